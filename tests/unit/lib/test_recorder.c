/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recorder: a signal handler may fork wherever it has interrupted the recording of a block.
 *
 * The processor's trap flag stops a recording after each of its instructions, and each time a child is
 * forked in the handler. In the child most of the thread's state has been wiped; the recording goes on
 * there when the handler returns, and has to come to the same stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "lib/record/thread_state.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_step_forks.h"

#define BYTES 40u

static _Alignas(64) char block[64], other_block[64];
static bool is_to_step, allocates_in_handler;

/* The stack under which the block was recorded; it is forgotten. */
static uint32_t stack_of(const char *ptr)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block found;

	if (!live_table_remove(&guard, (uint64_t)ptr, &found) || found.bytes != BYTES)
		return 0;
	return found.stack;
}

/* A door. */
static __attribute__((noinline)) void add(const char *ptr)
{
	const struct caller caller = CALLER_HERE();

	if (is_to_step)
		lib_step_forks_begin();
	recorder_add(ptr, BYTES, BLOCK_MALLOC, caller);
	lib_step_forks_end();
}

static __attribute__((noinline)) void add_at_depth(const char *ptr, uint32_t depth)
{
	if (depth == 0)
		add(ptr);
	else
		add_at_depth(ptr, depth - 1);
	__asm__ volatile(""); /* not a jump */
}

static __attribute__((noinline)) void add_elsewhere(const char *ptr)
{
	add_at_depth(ptr, 3);
	__asm__ volatile("");
}

/* In the handler that made it. */
static void begin_child(void)
{
	is_to_step = false;
	if (allocates_in_handler) {
		recorder_postfork_child();
		add_elsewhere(other_block);
	}
}

/* Records the block three times, the second time stepping, each time after what is at another depth. */
static void step_through(uint32_t depth, uint32_t depth_before)
{
	uint32_t stacks[6];

	/* All by one call: where the depths are the same, so are the stacks. */
	for (uint32_t i = 0; i < 6; i++) {
		is_to_step = i == 3;
		add_at_depth(block, i % 2 == 0 ? depth_before : depth);
		is_to_step = false;
		stacks[i] = stack_of(block);
	}
	if (lib_step_forks_is_child)
		_exit(stacks[3] == stacks[1] && stacks[5] == stacks[1] &&
				      (!allocates_in_handler || stack_of(other_block) != 0)
			      ? 0
			      : 1);
	assert_int_not_equal(stacks[1], 0);
	assert_int_equal(stacks[1], stacks[3]);
}

static void a_recording_goes_on_in_a_child_that_was_forked_inside(void **state)
{
	static const struct {
		uint32_t depth, before;
	} stacks[] = {{9, 9}, {5, 3}, {3, 5}};

	(void)state;
	lib_step_forks_use(begin_child);
	for (uint32_t i = 0; i < 2 * sizeof(stacks) / sizeof(stacks[0]); i++) {
		allocates_in_handler = i % 2 != 0;
		step_through(stacks[i / 2].depth, stacks[i / 2].before);
	}
	lib_step_forks_check(1001);
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
		cmocka_unit_test(a_recording_goes_on_in_a_child_that_was_forked_inside),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
