/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_stepping: the stack is right at every single instruction.
 *
 * The processor's trap flag stops some ways through the maze after each instruction, and the handler
 * looks at the interrupted stack, as a handler that allocates would. At an arbitrary instruction, in the
 * middle of a prologue, our capture may say that it does not know the rest; what it says must be right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "tests/unit/lib/stack_oracle.h"
#include "tests/unit/lib/stack_tour.h"

static volatile sig_atomic_t is_stepping;
static uint64_t steps, steps_left;
static sigjmp_buf oracle_crash;
static volatile sig_atomic_t is_oracle_at_work;

#define TRAP_FLAG 0x100

/* After each instruction: the stack of the interrupted code, as it would be seen from a handler. */
static void look_at_instruction(int number, siginfo_t *info, void *interrupted)
{
	static struct stack_list ours;
	ucontext_t *context = interrupted;
	enum stack_doubt doubt = stack_doubt_at((uint64_t)context->uc_mcontext.gregs[REG_RIP]);
	struct caller caller;
	unw_context_t here;
	unw_cursor_t cursor;
	struct stack_oracle_case with = {.cursor = &cursor,
					 .shadow = stack_shadow_here(),
					 .build = STACK_ORACLE_NO_BUILD,
					 .feature = STACK_CALL,
					 .is_anywhere = true};

	(void)number;
	(void)info;
	steps++;
	if (!is_stepping || --steps_left == 0) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		is_stepping = 0;
		return;
	}
	if (doubt != STACK_DOUBT_NONE) {
		stack_oracle_found.by_doubt[doubt]++;
		return;
	}
	/* From our own frame, whose caller is the signal frame. */
	caller = CALLER_HERE();
	stack_oracle_capture(&ours, caller);
	unw_getcontext(&here);
	stack_oracle_go_to_caller(&cursor, &here);
	/* libunwind 1.6.2 itself may read wild addresses, in some prologues of over-aligned frames. */
	if (sigsetjmp(oracle_crash, 1) != 0) {
		stack_oracle_compare_after_crash(&ours, &with);
		return;
	}
	is_oracle_at_work = 1;
	stack_oracle_compare(&ours, &with);
	is_oracle_at_work = 0;
}

/* A crash of ours is a crash. */
static void catch_oracle(int number)
{
	if (!is_oracle_at_work) {
		signal(number, SIG_DFL);
		return;
	}
	is_oracle_at_work = 0;
	siglongjmp(oracle_crash, 1);
}

static void start_stepping(void)
{
	is_stepping = 1;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void use_stepping(void)
{
	sigaction(SIGTRAP,
		  &(struct sigaction){.sa_sigaction = look_at_instruction,
				      .sa_flags = SA_SIGINFO | SA_ONSTACK},
		  NULL);
	sigaction(SIGSEGV,
		  &(struct sigaction){.sa_handler = catch_oracle,
				      .sa_flags = SA_ONSTACK | SA_NODEFER},
		  NULL);
}

static void is_right_at_every_instruction(void **state)
{
	uint64_t steps_each = stack_oracle_is_full() ? 30000 : 3000;

	(void)state;
	use_stepping();
	stack_oracle_start();
	for (uint32_t way = 0; way < stack_tour_count; way++) {
		uint64_t mistakes = stack_oracle_found.mistakes;

		for (uint32_t i = 0; i < 2; i++) {
			steps_left = steps_each;
			stack_tour_go_silently(way, 4, start_stepping);
			is_stepping = 0;
		}
		if (stack_oracle_found.mistakes > mistakes)
			print_error("  %s: %" PRIu64 " mistakes\n", stack_tour_names[way],
				    stack_oracle_found.mistakes - mistakes);
	}
	signal(SIGTRAP, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	stack_oracle_report("every instruction", NULL, 0);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_true(stack_oracle_found.captures > 20000);
	/* A few instructions of each exception, and no more. */
	assert_true(stack_oracle_found.by_doubt[STACK_DOUBT_INSTALLING] <
		    stack_oracle_found.captures / 200);
	assert_true(stack_oracle_found.shadows > stack_oracle_found.captures / 10 * 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_right_at_every_instruction),
	};

	return cmocka_run_group_tests(tests, stack_tour_set_up, NULL);
}
