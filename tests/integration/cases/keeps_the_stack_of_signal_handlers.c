/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_the_stack_of_signal_handlers: programs allocate it, hand it to sigaltstack() and forget it, as
 * the example of its manual page does.
 *
 * reach make_stack: reachable=65536/1
 * valgrind make_stack: definitely_lost=65536/1; only the kernel knows
 */
#include <signal.h>

#include "scan_point.h"

APART static void make_stack(void)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};

	if (sigaltstack(&stack, NULL))
		abort();
}

int main(void)
{
	make_stack();
	scan_point();
}
