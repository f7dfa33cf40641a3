/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_words: re-using the last stack gives what a walk without it gives, whatever has changed.
 *
 * The stacks are made of words in an array, so that they can be like no compiler's: every slot may have
 * changed, or only the registers, and what led to a frame before may lead past it now. The return
 * addresses belong to functions that nobody calls, each with one unwind rule from its first to its
 * last instruction. A capture with the last trace is compared with one that has none; between two
 * captures a few words change, mostly to what is nearly right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/record/stack_capture.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/unit/lib/stack_oracle.h"

/* A function with these unwind directives all over. */
#define FUNCTION_WITH(name, directives)                                                            \
	__asm__(".pushsection .text\n.type " #name ", @function\n" #name                           \
		":\n.cfi_startproc\n" directives                                                   \
		"\nnop\nnop\nnop\nret\n.cfi_endproc\n.popsection\n");                              \
	extern const char name[]

FUNCTION_WITH(leaves_bp_alone, ".cfi_def_cfa_offset 16");
FUNCTION_WITH(leaves_bp_alone_larger, ".cfi_def_cfa_offset 48");
FUNCTION_WITH(saves_bp, ".cfi_def_cfa_offset 24\n.cfi_offset rbp, -16");
FUNCTION_WITH(saves_bp_lower, ".cfi_def_cfa_offset 40\n.cfi_offset rbp, -32");
FUNCTION_WITH(has_frame_pointer, ".cfi_def_cfa rbp, 16\n.cfi_offset rbp, -16");
FUNCTION_WITH(has_frame_pointer_not_saved, ".cfi_def_cfa rbp, 16");
/* As gcc realigns: the CFA is in a word of the frame. */
FUNCTION_WITH(is_realigned, ".cfi_escape 0x0f, 3, 0x76, 0x78, 0x06\n"
			    ".cfi_escape 0x10, 6, 2, 0x76, 0");
FUNCTION_WITH(ends, ".cfi_undefined rip");

enum rule { BY_SP, BY_BP, REALIGNED, END };

static const struct function {
	const char *code;
	enum rule rule;
	uint32_t cfa_words; /* BY_SP: from sp */
	uint32_t bp_words;  /* bp is saved so far below the CFA; 0: it is not */
} functions[] = {
	{leaves_bp_alone, BY_SP, 2, 0},	  {leaves_bp_alone_larger, BY_SP, 6, 0},
	{saves_bp, BY_SP, 3, 2},	  {saves_bp_lower, BY_SP, 5, 4},
	{has_frame_pointer, BY_BP, 0, 2}, {has_frame_pointer_not_saved, BY_BP, 0, 0},
	{is_realigned, REALIGNED, 0, 0},  {ends, END, 0, 0},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]), WORDS = 256, DEPTH = 24 };

/* The stack; before and behind it is room for whatever a rule comes to. */
static uint64_t memory[WORDS + 4096];
static uint64_t *const words = memory + 2048;
static struct stack_trace with_last, without;
static struct caller caller;
static struct lib_random chance;

static uint64_t address_of(uint32_t word)
{
	return (uint64_t)&words[word];
}

static uint32_t word_at(uint64_t address)
{
	return (uint32_t)((address - (uint64_t)words) / sizeof(words[0]));
}

static uint64_t return_address_in(const struct function *function)
{
	return (uint64_t)function->code + 1 + lib_random_below(&chance, 2);
}

/* What a word of a stack may be: where to return to, or a place further outwards. */
static uint64_t some_value(uint32_t word)
{
	switch (lib_random_below(&chance, 4)) {
	case 0:
		return address_of((uint32_t)lib_random_below(&chance, WORDS));
	case 1:
		return address_of(word + 1 + (uint32_t)lib_random_below(&chance, 12));
	default:
		return return_address_in(&functions[lib_random_below(&chance, FUNCTIONS)]);
	}
}

/* One that leads on from `word` to a frame at `target`, or as near as it may be. */
static const struct function *some_function(uint32_t word, uint32_t target)
{
	const struct function *function;

	if (target == WORDS && lib_random_once_in(&chance, 40))
		return &functions[FUNCTIONS - 1];
	do
		function = &functions[lib_random_below(&chance, FUNCTIONS - 1)];
	while (function->rule == BY_SP && word + function->cfa_words > target);
	return function;
}

/*
 * Makes the words from the frame at `word` outwards those of a stack of these functions, up to a frame at
 * `target` that has this bp: or, with WORDS, up to an end. What a frame needs of bp is written to
 * where the frames inside of it have kept it.
 */
static void build(uint32_t word, uint64_t *pc, uint64_t *bp, uint32_t target, uint64_t target_bp)
{
	uint64_t *pc_place = pc, *bp_place = bp;

	while (word < target && word < WORDS - 16) {
		const struct function *function = some_function(word, target);
		uint32_t left = target - word, cfa;

		*pc_place = return_address_in(function);
		if (function->rule == END)
			return;
		cfa = word + (function->rule == BY_SP ? function->cfa_words
						      : 4 + (uint32_t)lib_random_below(&chance, 6));
		if (cfa > target || left < 4)
			cfa = target;
		if (function->rule != BY_SP)
			*bp_place = address_of(cfa - 2);
		if (function->rule == REALIGNED)
			words[cfa - 3] = address_of(cfa);
		if (function->bp_words != 0 || function->rule == REALIGNED)
			bp_place = &words[cfa - 2 -
					  (function->rule == BY_SP ? function->bp_words - 2 : 0)];
		pc_place = &words[cfa - 1];
		word = cfa;
	}
	*pc_place = target < WORDS ? *pc_place : return_address_in(&functions[FUNCTIONS - 1]);
	if (target < WORDS)
		*bp_place = target_bp;
}

/* Other frames inside of one of the last stack, or outside of it; or all of them. */
static void change_frames(void)
{
	uint32_t start = 2 + (uint32_t)lib_random_below(&chance, 24);
	const struct stack_frame *frame = &without.frames[lib_random_below(&chance, without.count)];
	uint32_t word = word_at(frame->sp);

	caller.sp = address_of(start);
	if (lib_random_once_in(&chance, 4) || word >= WORDS - 16 || word <= start + 8)
		build(start, &caller.pc, &caller.bp, WORDS, 0);
	else if (lib_random_once_in(&chance, 2))
		build(word, &words[word - 1], &words[word - 2], WORDS, 0);
	else
		build(start, &caller.pc, &caller.bp, word, frame->bp);
}

static void change_a_little(void)
{
	uint32_t word;

	switch (lib_random_below(&chance, 8)) {
	case 0:
	case 1:
	case 2:
		change_frames();
		break;
	case 3:
		word = (uint32_t)lib_random_below(&chance, WORDS / 2);
		words[word] = some_value(word);
		break;
	case 4:
		caller.bp =
			address_of(word_at(caller.sp) + (uint32_t)lib_random_below(&chance, 16));
		break;
	case 5:
		caller.pc = return_address_in(&functions[lib_random_below(&chance, FUNCTIONS)]);
		break;
	default: /* nothing: as in a loop */
		break;
	}
}

static bool is_same(const struct stack_trace *a, const struct stack_trace *b)
{
	if (a->count != b->count || a->is_cut != b->is_cut || a->is_complete != b->is_complete)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->frames[i].pc != b->frames[i].pc || a->frames[i].sp != b->frames[i].sp ||
		    a->frames[i].path != b->frames[i].path)
			return false;
	return true;
}

static void show_difference(uint64_t capture)
{
	uint32_t i = 0, count = with_last.count < without.count ? with_last.count : without.count;

	printf("          capture %" PRIu64
	       ": %u frames with the last stack, cut %d, whole %d; without "
	       "%u, %d, %d\n",
	       capture, with_last.count, with_last.is_cut, with_last.is_complete, without.count,
	       without.is_cut, without.is_complete);
	while (i < count && with_last.frames[with_last.count - 1 - i].pc ==
				    without.frames[without.count - 1 - i].pc)
		i++;
	printf("          the same up to frame %u from the inside\n", i);
}

static void is_what_a_walk_finds(void **state)
{
	const uint64_t captures = stack_oracle_is_full() ? 5000000 : 300000;
	uint64_t frames = 0, complete = 0, cut_short = 0, same_twice = 0, last_path = 0;

	(void)state;
	caller.sp = address_of(2);
	build(2, &caller.pc, &caller.bp, WORDS, 0);
	for (uint64_t i = 0; i < captures; i++) {
		stack_capture(&with_last, caller, DEPTH);
		without.count = 0;
		stack_capture(&without, caller, DEPTH);
		if (!is_same(&with_last, &without)) {
			show_difference(i);
			fail();
		}
		frames += without.count;
		complete += without.is_complete;
		cut_short += without.count == DEPTH;
		same_twice +=
			without.count > 4 && without.frames[without.count - 1].path == last_path;
		last_path = without.frames[without.count - 1].path;
		/* As call_tree does it, for what keeps its node. */
		with_last.noded = with_last.count;
		change_a_little();
	}
	printf("          %" PRIu64 " captures of %" PRIu64 " frames, %" PRIu64 " whole, %" PRIu64
	       " cut at the depth, %" PRIu64 " the same twice\n",
	       captures, frames, complete, cut_short, same_twice);
	assert_true(frames > 6 * captures);
	assert_true(complete > captures / 6);
	assert_true(cut_short > captures / 20);
	assert_true(same_twice > captures / 10);
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	chance = lib_random_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_a_walk_finds),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
