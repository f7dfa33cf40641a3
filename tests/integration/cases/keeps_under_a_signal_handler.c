/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_under_a_signal_handler: the handler runs on a stack of its own; the frame that it has
 * interrupted holds a block all the same.
 *
 * reach make: reachable=40/1
 */
#include <signal.h>

#include "scan_point.h"

static char other_stack[4 * WIPED_BYTES];

APART static void *make(void)
{
	return malloc(40);
}

static void handle(int number)
{
	if (number)
		scan_point();
}

int main(void)
{
	void *volatile held = make();
	stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		abort();
	raise(SIGUSR1);
	return held == NULL;
}
