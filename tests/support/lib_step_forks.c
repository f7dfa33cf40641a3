/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_step_forks: a fork after each instruction of some code, of which the child goes on with the rest.
 */
#include "tests/support/lib_step_forks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define TRAP_FLAG 0x100

volatile sig_atomic_t lib_step_forks_is_on, lib_step_forks_is_child;
static uint32_t forks, children_wrong;
static void (*begin_child)(void);

static void fork_here(int number, siginfo_t *info, void *interrupted)
{
	ucontext_t *context = interrupted;
	int status;
	pid_t child;

	(void)number;
	(void)info;
	if (!lib_step_forks_is_on) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		return;
	}
	child = fork();
	if (child == 0) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		lib_step_forks_is_on = 0;
		lib_step_forks_is_child = 1;
		begin_child();
		return;
	}
	forks++;
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		children_wrong++;
}

void lib_step_forks_use(void (*in_child)(void))
{
	struct sigaction action = {.sa_sigaction = fork_here, .sa_flags = SA_SIGINFO};

	begin_child = in_child;
	forks = children_wrong = 0;
	sigaction(SIGTRAP, &action, NULL);
}

void lib_step_forks_check(uint32_t least)
{
	signal(SIGTRAP, SIG_DFL);
	assert_true(forks >= least);
	assert_int_equal(children_wrong, 0);
}
