/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_call_tree: a stack has one number, and the number leads back to the stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record/call_tree.h"
#include "lib/record/module_list.h"
#include "seep/snapshot_format.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"

/* Frames are addresses in this program: for others the tree would look for a new module. */
static uint64_t frame_numbered(uint64_t number)
{
	static uint64_t start, bytes;

	for (uint32_t i = 0; bytes == 0; i++) {
		const struct loaded_module *module = module_list_at(i);

		/* The largest one: libc has room for a million frames. */
		if (module->end - module->start >= 1u << 20) {
			start = module->start;
			bytes = module->end - module->start;
		}
	}
	return start + number % bytes;
}

/* The stack of a number: stacks with near numbers share their outer frames. Innermost first. */
static uint32_t stack_numbered(uint64_t number, uint64_t *frames)
{
	struct lib_random outer = {number / 64}, inner = {number};
	uint32_t shared = 1 + (uint32_t)lib_random_below(&outer, 20);
	uint32_t own = 1 + (uint32_t)lib_random_below(&inner, 4);

	for (uint32_t i = 0; i < shared; i++)
		frames[own + shared - 1 - i] = frame_numbered(lib_random_next(&outer));
	for (uint32_t i = 0; i < own; i++)
		frames[own - 1 - i] = frame_numbered(lib_random_next(&inner));
	return own + shared;
}

static bool leads_back(uint32_t id, const uint64_t *frames, uint32_t count)
{
	uint32_t i = 0;

	for (; id != CALL_TREE_ROOT && i < count; i++) {
		struct call_node node = call_tree_node(id);

		if (node.pc != frames[i] || node.parent >= id)
			return false;
		id = node.parent;
	}
	return id == CALL_TREE_ROOT && i == count;
}

static void knows_the_two_stacks_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(call_tree_count(), CALL_TREE_FIRST);
	assert_int_equal(call_tree_node(CALL_TREE_NESTED).pc, SEEP_PC_NESTED);
	assert_int_equal(call_tree_node(CALL_TREE_NESTED).parent, CALL_TREE_ROOT);
	assert_int_equal(call_tree_node(CALL_TREE_NO_ROOM).pc, SEEP_PC_NO_ROOM);
	assert_int_equal(call_tree_node(CALL_TREE_NO_ROOM).parent, CALL_TREE_ROOT);
}

static void shares_the_outer_frames(void **state)
{
	const uint64_t f = frame_numbered(0);
	const uint64_t first[] = {f + 1, f + 2, f + 3}, second[] = {f + 9, f + 2, f + 3};
	const uint64_t third[] = {f + 7, f + 8, f + 1, f + 2, f + 3};
	uint32_t before = call_tree_count();
	uint32_t id = lib_stack_id(first, 3);

	(void)state;
	assert_int_equal(call_tree_count(), before + 3);
	assert_int_equal(lib_stack_id(first, 3), id);
	assert_int_equal(lib_stack_id(first + 1, 2), call_tree_node(id).parent);
	assert_int_equal(call_tree_count(), before + 3);
	assert_int_not_equal(lib_stack_id(second, 3), id);
	assert_int_equal(call_tree_count(), before + 4);
	assert_int_equal(lib_stack_id(first, 3), id);
	assert_true(leads_back(lib_stack_id(third, 5), third, 5));
	assert_int_equal(call_tree_count(), before + 6);
	/* The same frames in another order are another stack. */
	const uint64_t reversed[] = {f + 3, f + 2, f + 1};
	assert_int_not_equal(lib_stack_id(reversed, 3), id);
	assert_int_equal(lib_stack_id(first, 0), CALL_TREE_ROOT);
}

/* Recursion: the same frame again and again, up to the deepest that is kept. */
static void numbers_the_deepest_stack(void **state)
{
	uint64_t frames[OPTIONS_STACK_DEPTH_MAX + 2];
	const uint32_t count = OPTIONS_STACK_DEPTH_MAX + 2;
	uint32_t id;

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		frames[i] = frame_numbered(i / 100);
	frames[0] = SEEP_PC_MMAP;
	frames[count - 1] = SEEP_PC_CUT;
	id = lib_stack_id(frames, count);
	assert_true(leads_back(id, frames, count));
	assert_int_equal(lib_stack_id(frames, count), id);
	frames[0] = SEEP_PC_BRK;
	assert_int_not_equal(lib_stack_id(frames, count), id);
	assert_int_equal(lib_stack_id(frames + 1, count - 1), call_tree_node(id).parent);
}

#define MANY 400000u

/* The table of nodes grows three times on the way. */
static void keeps_a_million_nodes_apart(void **state)
{
	uint32_t *ids = malloc(MANY * sizeof(*ids));
	struct lib_random random = lib_random_start();
	uint64_t first = lib_random_next(&random) >> 8, frames[64];
	uint32_t nodes, count;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		count = stack_numbered(first + i, frames);
		ids[i] = lib_stack_id(frames, count);
	}
	nodes = call_tree_count();
	print_message("          %u nodes for %u stacks\n", nodes, MANY);
	assert_true(nodes > 1000000);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t which = (uint32_t)lib_random_below(&random, MANY);

		count = stack_numbered(first + which, frames);
		assert_int_equal(lib_stack_id(frames, count), ids[which]);
		assert_true(leads_back(ids[which], frames, count));
	}
	/* Nothing was added by looking up: a stack has one number in one thread. */
	assert_int_equal(call_tree_count(), nodes);
	free(ids);
}

#define COMMON 60000u
#define THREADS 4u

static uint64_t common_first;
static _Atomic(uint64_t) mistakes;

static void number_all(uint32_t number, void *context)
{
	uint64_t frames[64];

	(void)number;
	(void)context;
	/* All in the same order, so that they meet at new stacks all the time. */
	for (uint32_t i = 0; i < COMMON; i++) {
		uint32_t count = stack_numbered(common_first + i, frames);
		uint32_t id = lib_stack_id(frames, count);

		if (!leads_back(id, frames, count))
			mistakes++;
	}
}

static void threads_meet_at_new_stacks(void **state)
{
	struct lib_random random = lib_random_start();
	uint32_t before = call_tree_count(), added, filled = 0;
	struct lib_crowd crowd;

	(void)state;
	common_first = lib_random_next(&random) >> 8;
	mistakes = 0;
	lib_crowd_start(&crowd, THREADS, number_all, NULL);
	while (lib_crowd_is_running(&crowd)) {
		/* What a snapshot does: every id below the count is there, or is being filled. */
		uint32_t count = call_tree_count();

		for (uint32_t id = count - 1; id > count - 1000; id--) {
			struct call_node node = call_tree_node(id);

			mistakes += node.pc != 0 && node.parent >= id;
		}
	}
	lib_crowd_join(&crowd);
	assert_int_equal(mistakes, 0);
	added = call_tree_count() - before;
	for (uint32_t id = before; id < before + added; id++)
		filled += call_tree_node(id).pc != 0;
	assert_int_equal(filled, added);
	/* Two threads may both add a node; that must stay the exception. */
	mistakes = 0;
	number_all(0, NULL);
	assert_int_equal(mistakes, 0);
	assert_int_equal(call_tree_count() - before, added);
}

/* A thread's memory of its last stack must not outlive a change of what is loaded. */
static void gives_other_numbers_where_addresses_changed_hands(void **state)
{
	const uint64_t frames[] = {frame_numbered(11), frame_numbered(12)};
	uint32_t id = lib_stack_id(frames, 2);

	(void)state;
	atomic_fetch_add(&module_list_unloads, 1);
	assert_int_equal(lib_stack_id(frames, 2), id);
	assert_int_equal(call_tree_node(id).generation, 0);
	atomic_fetch_sub(&module_list_unloads, 1);
}

#define OUTERMOST 300000u

static _Atomic(uint32_t) outermost_round[2];
static _Atomic(uint32_t) taken_for_none;

/* Both at the same new frame at the same time, as nearly as that can be had. */
static void number_outermost(uint32_t number, void *context)
{
	const uint64_t *first = context;

	for (uint32_t i = 0; i < OUTERMOST; i++) {
		const uint64_t frame = *first + i;

		atomic_store(&outermost_round[number], i);
		for (uint32_t spin = 0; spin < 1000 && atomic_load(&outermost_round[!number]) < i;
		     spin++)
			;
		taken_for_none += lib_stack_id(&frame, 1) == CALL_TREE_ROOT;
	}
}

/* An entry that is being filled has no node yet: that is not the stack without frames. */
static void an_outermost_frame_is_never_taken_for_none(void **state)
{
	uint64_t first = frame_numbered(1u << 30);
	struct lib_crowd crowd;

	(void)state;
	lib_crowd_start(&crowd, 2, number_outermost, &first);
	lib_crowd_join(&crowd);
	assert_int_equal(taken_for_none, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_two_stacks_that_are_none),
		cmocka_unit_test(shares_the_outer_frames),
		cmocka_unit_test(numbers_the_deepest_stack),
		cmocka_unit_test(gives_other_numbers_where_addresses_changed_hands),
		cmocka_unit_test(threads_meet_at_new_stacks),
		cmocka_unit_test(an_outermost_frame_is_never_taken_for_none),
		cmocka_unit_test(keeps_a_million_nodes_apart),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
