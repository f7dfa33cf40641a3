/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_the_former_stack_of_signal_handlers: the twin of keeps_the_stack_of_signal_handlers takes it back
 * from the kernel and forgets it then. A call that fails, and one that only asks, take nothing back.
 *
 * reach make_stack: definitely_lost=65536/1
 */
#include <errno.h>
#include <signal.h>

#include "scan_point.h"

APART static void make_stack(void)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536}, former;

	if (sigaltstack(&stack, NULL) || sigaltstack(NULL, &former) || former.ss_sp != stack.ss_sp)
		abort();
	stack.ss_size = 1;
	if (sigaltstack(&stack, NULL) != -1 || errno != ENOMEM)
		abort();
}

APART static void take_stack(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (sigaltstack(&none, NULL))
		abort();
}

int main(void)
{
	make_stack();
	take_stack();
	scan_point();
}
