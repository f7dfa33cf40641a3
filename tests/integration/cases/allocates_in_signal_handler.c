/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_signal_handler: on the smallest alternate stack that the system allows; the stack
 * leads through the handler to the interrupted function. (The signal is raised where malloc is
 * not running, so the program is a correct one.)
 *
 * build: -O0; -O2
 * site handle: live_blocks=1 live_bytes=64
 * stack handle: handle@here < … < interrupted < main
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void *block;

static void handle(int signal)
{
	(void)signal;
	block = malloc(64); /* here */
}

__attribute__((noinline, noclone)) static int interrupted(void)
{
	return kill(getpid(), SIGUSR1) + 1;
}

int main(void)
{
	static char space[16384];
	stack_t stack = {.ss_sp = space, .ss_size = sizeof(space)};
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	return interrupted() != 1;
}
