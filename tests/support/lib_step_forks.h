/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_step_forks: a fork after each instruction of some code, of which the child goes on with the rest.
 *
 *     lib_step_forks_use(in_child);
 *     lib_step_forks_begin();
 *     ...
 *     lib_step_forks_end();
 *     if (lib_step_forks_is_child)
 *         _exit(is_as_it_should_be() ? 0 : 1);
 *     ...
 *     lib_step_forks_check(1000);
 */
#ifndef TESTS_SUPPORT_LIB_STEP_FORKS_H
#define TESTS_SUPPORT_LIB_STEP_FORKS_H

#include <signal.h>
#include <stdint.h>

extern volatile sig_atomic_t lib_step_forks_is_child;
extern volatile sig_atomic_t lib_step_forks_is_on; /* private */

/* Each child calls it in the signal handler that made it, before the code goes on. */
void lib_step_forks_use(void (*in_child)(void));

/* By way of its flags the processor traps after each instruction from here on. */
static inline __attribute__((always_inline)) void lib_step_forks_begin(void)
{
	lib_step_forks_is_on = 1;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static inline __attribute__((always_inline)) void lib_step_forks_end(void)
{
	lib_step_forks_is_on = 0;
}

/* The test fails where there were not at least so many, or one did not end with 0. */
void lib_step_forks_check(uint32_t least);

#endif
