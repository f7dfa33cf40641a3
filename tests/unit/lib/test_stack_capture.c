/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_capture: our stacks are the right ones, frame by frame.
 *
 * Captures come from a maze of code (stack_maze.cc) in every build of it, and from recursions much
 * deeper than what is kept. Two witnesses say what is right (stack_oracle.h). The other tests of stacks:
 * test_stack_threads, test_stack_coroutine, test_stack_reload, test_stack_stepping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "seep/snapshot_format.h"
#include "tests/support/lib_stack.h"
#include "tests/unit/lib/stack_coroutine.h"
#include "tests/unit/lib/stack_oracle.h"
#include "tests/unit/lib/stack_tour.h"

#define DEPTH_MAX OPTIONS_STACK_DEPTH_MAX
#define DEEP_FRAMES 10000

/* Those that libunwind could follow to the end. */
static uint64_t captures_by_both(void)
{
	return stack_oracle_found.captures -
	       stack_oracle_found.by_doubt[STACK_DOUBT_VECTOR_REGISTERS];
}

static void equals_both_witnesses_in_every_build_of_the_maze(void **state)
{
	const uint64_t all = stack_oracle_is_full() ? 1050000 : 130000;
	const uint64_t elsewhere = 1ull << STACK_COROUTINE_MOVED | 1ull << STACK_THREAD |
				   1ull << STACK_THREAD_EXIT | 1ull << STACK_THREAD_CANCEL |
				   1ull << STACK_THREAD_DATA | 1ull << STACK_DEEP |
				   1ull << STACK_CUT | 1ull << STACK_RELOADED;

	(void)state;
	stack_oracle_start();
	stack_tour_use_handlers();
	for (uint32_t way = 0; way < stack_tour_count; way++) {
		uint64_t before = captures_by_both();
		uint64_t mistakes = stack_oracle_found.mistakes;

		for (int i = 0; captures_by_both() < before + all / stack_tour_count + 1; i++)
			stack_tour_go(way, 3 + i % 9, NULL);
		if (stack_oracle_found.mistakes > mistakes)
			print_error("  %s: %" PRIu64 " mistakes\n", stack_tour_names[way],
				    stack_oracle_found.mistakes - mistakes);
	}
	stack_oracle_report("maze", stack_tour_names, stack_tour_count);
	print_message("          coroutines: %" PRIu64 " switches, %" PRIu64
		      " given up in the middle, %" PRIu64
		      " stacks unmapped and mapped again, %" PRIu64 " copied\n",
		      stack_coroutine_found.switches, stack_coroutine_found.given_up,
		      stack_coroutine_found.remapped, stack_coroutine_found.copied);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
	assert_true(captures_by_both() >= all);
	assert_true(stack_oracle_has_met(((1ull << STACK_FEATURE_COUNT) - 1) & ~elsewhere));
}

static void keeps_the_innermost_frames_of_a_deep_stack(void **state)
{
	static const uint32_t depths[] = {1, 2, 3, 5, 8, 13, 64};

	(void)state;
	stack_oracle_start();
	stack_tour_use_handlers();
	for (uint32_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		stack_oracle_depth = depths[i];
		for (uint32_t way = 0; way < stack_tour_count; way++)
			stack_tour_go(way, 12, NULL);
	}
	stack_oracle_depth = DEPTH_MAX;
	stack_oracle_report("cut at a depth", NULL, 0);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_true(stack_oracle_has_met(1ull << STACK_CUT));
}

static __attribute__((noinline)) void recurse(int depth, int step, uint32_t way)
{
	struct stack_shadow *shadow = stack_shadow_here();

	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	stack_tour_ways[way]->descend(depth, step);
	shadow->count = 0;
}

/* A look at each depth, on the way in and on the way out; that of the one before is re-used, also where
 * the outermost frames kept are other ones. */
static void cuts_where_the_stack_is_deeper_than_is_kept(void **state)
{
	(void)state;
	stack_oracle_start();
	for (uint32_t way = 0; way < stack_tour_count; way++) {
		recurse(DEPTH_MAX + 100, 1, way);
		recurse(DEEP_FRAMES, stack_oracle_is_full() ? 7 : 997, way);
	}
	recurse(DEEP_FRAMES, stack_oracle_is_full() ? 1 : 101, 0);
	stack_oracle_report("recursion", NULL, 0);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
}

/* ---- that the test can fail ---- */

typedef void list_change(struct stack_list *stack);

static void change_a_frame(struct stack_list *stack)
{
	stack->frames[stack->count / 2] += 1;
}

static void lose_a_frame(struct stack_list *stack)
{
	memmove(&stack->frames[2], &stack->frames[3], (stack->count - 3) * sizeof(uint64_t));
	stack->count--;
}

static void see_a_frame_twice(struct stack_list *stack)
{
	memmove(&stack->frames[3], &stack->frames[2], (stack->count - 2) * sizeof(uint64_t));
	stack->count++;
}

static void swap_two_frames(struct stack_list *stack)
{
	uint64_t frame = stack->frames[1];

	stack->frames[1] = stack->frames[2];
	stack->frames[2] = frame;
}

static void lose_the_outermost(struct stack_list *stack)
{
	stack->count--;
}

static void say_that_it_is_cut(struct stack_list *stack)
{
	stack->frames[stack->count++] = SEEP_PC_CUT;
	stack->is_cut = true;
}

static void see_a_signal(struct stack_list *stack)
{
	memmove(&stack->frames[2], &stack->frames[1], (stack->count - 1) * sizeof(uint64_t));
	stack->frames[1] = SEEP_PC_SIGNAL;
	stack->count++;
}

static __attribute__((noinline)) void look_with(list_change *change)
{
	static struct stack_list ours;
	struct caller caller = CALLER_HERE();
	unw_context_t context;
	unw_cursor_t cursor;

	stack_oracle_capture(&ours, caller);
	if (change != NULL)
		change(&ours);
	unw_getcontext(&context);
	stack_oracle_go_to_caller(&cursor, &context);
	stack_oracle_compare(&ours, &(struct stack_oracle_case){.cursor = &cursor,
								.shadow = stack_shadow_here(),
								.build = STACK_ORACLE_NO_BUILD,
								.feature = STACK_CALL});
}

static __attribute__((noinline)) uint64_t mistakes_with(list_change *change,
							struct stack_shadow *shadow)
{
	uint64_t mistakes = stack_oracle_found.mistakes, shadows = stack_oracle_found.shadows;
	uint64_t unconfirmed;

	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	look_with(change);
	shadow->count = 0;
	unconfirmed = 1 - (stack_oracle_found.shadows - shadows);
	mistakes = stack_oracle_found.mistakes - mistakes;
	/* A stack that ends too early and says so contradicts nobody but libunwind. */
	if (change != say_that_it_is_cut)
		assert_int_equal(unconfirmed, mistakes);
	return mistakes;
}

static void a_wrong_stack_is_found_out(void **state)
{
	static list_change *const changes[] = {
		change_a_frame,	    lose_a_frame,	see_a_frame_twice, swap_two_frames,
		lose_the_outermost, say_that_it_is_cut, see_a_signal};

	(void)state;
	stack_oracle_start();
	stack_oracle_is_silent = true;
	assert_int_equal(mistakes_with(NULL, stack_shadow_here()), 0);
	for (uint32_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		assert_int_equal(mistakes_with(changes[i], stack_shadow_here()), 1);
	stack_oracle_is_silent = false;
}

/* A last trace that lacks a frame, though all that it holds is still there, gives a wrong stack: it is
 * re-used, and the re-used part is compared as well. */
static __attribute__((noinline)) void look_twice(void)
{
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);

	/* From one place in the code: unrolled they would be two. */
	for (volatile int i = 0; i < 2; i++) {
		look_with(NULL);
		stack_oracle_spoil_last(1);
	}
	stack_shadow_leave(mark);
}

static void a_wrong_last_trace_is_found_out(void **state)
{
	struct stack_shadow *shadow = stack_shadow_here();

	(void)state;
	stack_oracle_start();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	stack_oracle_is_silent = true;
	look_twice();
	stack_oracle_is_silent = false;
	shadow->count = 0;
	assert_int_equal(stack_oracle_found.captures, 2);
	assert_int_equal(stack_oracle_found.mistakes, 1);
}

/* ---- where there is nothing to go by ---- */

typedef void called(void);

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret: in memory that no module covers. */
static const uint8_t with_frame_pointer[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* sub $8,%rsp; xor %ebp,%ebp; call *%rdi …: rbp saved elsewhere, so nothing leads on. */
static const uint8_t without_frame_pointer[] = {0x55, 0x31, 0xed, 0xff, 0xd7, 0x5d, 0xc3};

static struct stack_list taken;

static __attribute__((noinline)) void take(void)
{
	static struct stack_trace trace;
	struct caller caller = CALLER_HERE();

	taken.count = lib_stack_capture(&trace, caller, taken.frames, DEPTH_MAX, &taken.is_cut);
}

static bool is_in(uint64_t pc, const void *start, size_t bytes)
{
	return pc >= (uint64_t)start && pc <= (uint64_t)start + bytes;
}

static void follows_frame_pointers_through_code_without_unwind_data(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(code, MAP_FAILED);
	memcpy(code, with_frame_pointer, sizeof(with_frame_pointer));
	((void (*)(called *))code)(take);
	assert_true(is_in(taken.frames[0], code, 4096));
	assert_false(taken.is_cut);
	assert_true(taken.count > 3);
	/* The next one is this function, and so on to the end. */
	assert_true(is_in(taken.frames[1],
			  (const void *)follows_frame_pointers_through_code_without_unwind_data,
			  4096));

	memcpy(code, without_frame_pointer, sizeof(without_frame_pointer));
	((void (*)(called *))code)(take);
	assert_true(is_in(taken.frames[0], code, 4096));
	assert_true(taken.is_cut);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.frames[1], SEEP_PC_CUT);
	munmap(code, 4096);
}

/* Whatever the frame pointer holds: no word is read that may not be there. */
static void does_not_trust_a_wild_frame_pointer(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint64_t frames[8];
	const uint64_t pointers[] = {0,	       1,	  8,	      here - 1024,     here + 1,
				     here + 4, ~0ull - 7, 1ull << 63, here + (1 << 19)};
	bool is_cut;

	(void)state;
	for (uint32_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		struct caller caller = {
			.pc = (uint64_t)code + 16, .sp = here - 512, .bp = pointers[i]};
		struct stack_trace trace = {0};
		uint32_t count = lib_stack_capture(&trace, caller, frames, 4, &is_cut);

		assert_true(count >= 2 && count <= 5);
		assert_true(is_cut);
		assert_int_equal(frames[count - 1], SEEP_PC_CUT);
	}
	munmap(code, 4096);
}

static void leaves_errno_alone(void **state)
{
	(void)state;
	errno = 4711;
	take();
	assert_int_equal(errno, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_stack_is_found_out),
		cmocka_unit_test(a_wrong_last_trace_is_found_out),
		cmocka_unit_test(equals_both_witnesses_in_every_build_of_the_maze),
		cmocka_unit_test(keeps_the_innermost_frames_of_a_deep_stack),
		cmocka_unit_test(cuts_where_the_stack_is_deeper_than_is_kept),
		cmocka_unit_test(follows_frame_pointers_through_code_without_unwind_data),
		cmocka_unit_test(does_not_trust_a_wild_frame_pointer),
		cmocka_unit_test(leaves_errno_alone),
	};

	return cmocka_run_group_tests(tests, stack_tour_set_up, NULL);
}
