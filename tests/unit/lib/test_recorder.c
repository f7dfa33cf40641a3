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
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "lib/record/thread_state.h"
#include "tests/support/lib_life.h"

#define TRAP_FLAG 0x100
#define BYTES 40u

static _Alignas(64) char block[64], other_block[64];
static bool is_to_step, allocates_in_handler;
static volatile sig_atomic_t is_stepping, is_child;
static uint32_t forks, children_wrong;

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

	if (is_to_step) {
		is_stepping = 1;
		__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
	}
	recorder_add(ptr, BYTES, BLOCK_MALLOC, caller);
	is_stepping = 0;
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

static void fork_here(int number, siginfo_t *info, void *interrupted)
{
	ucontext_t *context = interrupted;
	int status;
	pid_t child;

	(void)number;
	(void)info;
	if (!is_stepping) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		return;
	}
	child = fork();
	if (child == 0) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		is_stepping = is_to_step = false;
		is_child = 1;
		if (allocates_in_handler) {
			recorder_postfork_child();
			add_elsewhere(other_block);
		}
		return;
	}
	forks++;
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		children_wrong++;
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
	if (is_child)
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
	sigaction(SIGTRAP, &(struct sigaction){.sa_sigaction = fork_here, .sa_flags = SA_SIGINFO},
		  NULL);
	for (uint32_t i = 0; i < 2 * sizeof(stacks) / sizeof(stacks[0]); i++) {
		allocates_in_handler = i % 2 != 0;
		step_through(stacks[i / 2].depth, stacks[i / 2].before);
	}
	signal(SIGTRAP, SIG_DFL);
	assert_true(forks > 1000);
	assert_int_equal(children_wrong, 0);
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
