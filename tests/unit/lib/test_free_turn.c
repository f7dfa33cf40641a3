/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_free_turn: which frees are asked who they are, in a thread alone and behind the recorder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/free_turn.h"
#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "tests/support/lib_life.h"

#define ROWS 40000u
#define PLACE 0x750000000000ull
#define LARGE 5000u /* in the side table */

static const struct live_block plain = {.kind = BLOCK_MALLOC};

/* Where in a row of frees the one turn is; FREE_TURN_ONE_IN when there is none, or more. */
static uint32_t place_of_turn(struct thread_state *thread)
{
	uint32_t place = FREE_TURN_ONE_IN, turns = 0;

	for (uint32_t i = 0; i < FREE_TURN_ONE_IN; i++)
		if (free_turn_take(thread, &plain)) {
			place = i;
			turns++;
		}
	return turns == 1 ? place : FREE_TURN_ONE_IN;
}

static void every_row_of_frees_has_one_turn_anywhere(void **state)
{
	static struct thread_state thread; /* as a new one, or one that a fork has wiped */
	static uint32_t found[FREE_TURN_ONE_IN];

	(void)state;
	for (uint32_t row = 0; row < ROWS; row++) {
		uint32_t place = place_of_turn(&thread);

		assert_true(place < FREE_TURN_ONE_IN);
		found[place]++;
	}
	/* 156 are expected of each; these are seven standard deviations. */
	for (uint32_t place = 0; place < FREE_TURN_ONE_IN; place++)
		assert_in_range(found[place], 70, 250);
}

/* A countdown of 256 would only ever meet one of two functions that free in turn. */
static void functions_that_free_in_turn_are_met_alike(void **state)
{
	static struct thread_state thread;
	uint32_t met[4] = {0};

	(void)state;
	for (uint32_t i = 0; i < ROWS * FREE_TURN_ONE_IN; i++)
		met[i % 4] += free_turn_take(&thread, &plain);
	assert_int_equal(met[0] + met[1] + met[2] + met[3], ROWS);
	for (uint32_t i = 0; i < 4; i++)
		assert_in_range(met[i], ROWS / 4 - 550, ROWS / 4 + 550);
}

static void a_wiped_thread_draws_anew(void **state)
{
	static struct thread_state thread;

	(void)state;
	assert_true(place_of_turn(&thread) < FREE_TURN_ONE_IN);
	assert_int_not_equal(thread.free_random, 0);
	memset(&thread, 0, sizeof(thread));
	for (uint32_t row = 0; row < 10; row++)
		assert_true(place_of_turn(&thread) < FREE_TURN_ONE_IN);
}

static void first_blocks_are_asked_only_so_often(void **state)
{
	static struct thread_state thread;
	uint32_t asked = 0;

	(void)state;
	for (uint32_t stack = 1; stack <= 100000; stack++) {
		thread.counts[0][COUNT_ALLOCATIONS]++;
		asked += free_turn_asks_first(&thread, stack);
		thread.asked = asked;
		thread.newest_stack = stack;
		assert_false(free_turn_asks_first(&thread, stack));
		assert_false(free_turn_asks_first(&thread, stack - 1));
	}
	assert_in_range(asked, FREE_TURN_FIRSTS + 100,
			FREE_TURN_FIRSTS + 100000 / FREE_TURN_FIRST_IN + 1);
}

/* ---- behind the recorder ------------------------------------------------------------------------ */

#define SITE(number)                                                                               \
	static __attribute__((noinline)) void add_at_##number(uint64_t addr, uint64_t bytes)       \
	{                                                                                          \
		recorder_add((const void *)addr, bytes, BLOCK_MALLOC, CALLER_HERE());              \
	}                                                                                          \
	static __attribute__((noinline)) void at_##number(uint64_t addr, uint64_t bytes)           \
	{                                                                                          \
		add_at_##number(addr, bytes);                                                      \
		__asm__ volatile(""); /* not a jump */                                             \
	}
SITE(0)
SITE(1)
SITE(2)
SITE(3)

/* A loop that a compiler does not unroll: all calls have the same stack. */
static volatile uint32_t twice = 2;

/* Keeps this free from being a turn by chance. */
static uint32_t free_between_turns(uint64_t addr)
{
	thread_state_here->frees_left = 50;
	return recorder_remove((const void *)addr);
}

static void the_first_block_of_a_stack_is_asked(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		at_0(PLACE + i * 64, 40);
	/* Whichever is freed first, and the first one only. */
	assert_int_equal(free_between_turns(PLACE + 64), RECORDER_REMOVED);
	assert_in_range(free_between_turns(PLACE), CALL_TREE_FIRST, call_tree_count() - 1);
	for (uint32_t i = 2; i < 20; i++)
		assert_int_equal(free_between_turns(PLACE + i * 64), RECORDER_REMOVED);
	assert_int_equal(free_between_turns(PLACE), RECORDER_UNKNOWN);
}

static void so_is_one_that_lies_in_the_side_table(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < twice; i++)
		at_1(PLACE + i * 2ull * LARGE, LARGE);
	assert_int_equal(free_between_turns(PLACE + 2ull * LARGE), RECORDER_REMOVED);
	assert_in_range(free_between_turns(PLACE), CALL_TREE_FIRST, call_tree_count() - 1);
}

static void every_free_comes_to_its_turn(void **state)
{
	uint32_t turns[2] = {0};

	(void)state;
	thread_state_here->frees_left = FREE_TURN_ONE_IN - 1;
	for (uint32_t i = 0; i < twice * 10 * FREE_TURN_ONE_IN; i++) {
		at_2(PLACE, i % 2 == 0 ? 40 : LARGE);
		turns[i % 2] += recorder_remove((const void *)PLACE) != RECORDER_REMOVED;
	}
	/* And the first one of the stack. */
	assert_in_range(turns[0] + turns[1], 19, 22);
	assert_true(turns[0] > 0 && turns[1] > 0);
}

static void the_turn_names_the_stack_that_allocated(void **state)
{
	struct live_block block;

	(void)state;
	for (uint32_t i = 0; i < twice; i++)
		at_2(PLACE + i * 64, 40);
	assert_true(recorder_take((const void *)PLACE, &block));
	thread_state_here->frees_left = 0;
	assert_int_equal(recorder_remove((const void *)(PLACE + 64)), block.stack);
}

static void an_inherited_block_is_not_asked(void **state)
{
	(void)state;
	at_3(PLACE, 40); /* the first of its stack */
	at_3(PLACE + 64, LARGE);
	recorder_inherited_epoch = epoch_now();
	thread_state_here->frees_left = 0;
	assert_int_equal(recorder_remove((const void *)PLACE), RECORDER_REMOVED);
	assert_int_equal(recorder_remove((const void *)(PLACE + 64)), RECORDER_REMOVED);
	assert_int_equal(thread_state_here->frees_left, 0);
	recorder_inherited_epoch = 0;
}

/* Its last trace and its countdown are in use. */
static void an_interrupted_thread_is_not_asked(void **state)
{
	(void)state;
	at_2(PLACE, 40);
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		guard.thread->frees_left = 0;
		assert_int_equal(recorder_remove((const void *)PLACE), RECORDER_REMOVED);
		assert_int_equal(guard.thread->frees_left, 0);
	}
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	live_table_has_neighbours = false;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_frees_has_one_turn_anywhere),
		cmocka_unit_test(functions_that_free_in_turn_are_met_alike),
		cmocka_unit_test(a_wiped_thread_draws_anew),
		cmocka_unit_test(first_blocks_are_asked_only_so_often),
		cmocka_unit_test(the_first_block_of_a_stack_is_asked),
		cmocka_unit_test(so_is_one_that_lies_in_the_side_table),
		cmocka_unit_test(every_free_comes_to_its_turn),
		cmocka_unit_test(the_turn_names_the_stack_that_allocated),
		cmocka_unit_test(an_inherited_block_is_not_asked),
		cmocka_unit_test(an_interrupted_thread_is_not_asked),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
