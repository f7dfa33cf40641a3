/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handles_signals_on_many_stacks: its handler allocates on the smallest alternate stack that can be, in a
 * block, and below which there is a page that must not be touched.
 *
 * build: -O0; -O2
 * expect: lost_blocks=0
 * site handle: live_blocks=3 live_bytes=300
 * stack handle: handle@here < … < interrupted < main
 * function stack_in_a_block: live_blocks=1
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *blocks[3];
static volatile int next;

/* For what malloc itself takes, and the compiler without optimisation. */
#define ROOM 4096

static void handle(int signal)
{
	void *block = malloc(100); /* here */

	(void)signal;
	blocks[next++] = block;
}

__attribute__((noinline, noclone)) static int interrupted(void)
{
	return raise(SIGUSR1) + 1;
}

__attribute__((noinline, noclone)) static char *stack_in_a_block(size_t bytes)
{
	char *volatile block = malloc(bytes);

	return block;
}

static char *stack_above_a_guard(size_t bytes)
{
	size_t whole = (bytes + 4095) / 4096 * 4096;
	char *mapping = mmap(NULL, whole + 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED || mprotect(mapping, 4096, PROT_NONE))
		abort();
	return mapping + 4096;
}

int main(void)
{
	static char space[65536];
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
	size_t bytes = (size_t)sysconf(_SC_MINSIGSTKSZ) + ROOM;
	char *stacks[] = {space, stack_in_a_block(bytes), stack_above_a_guard(bytes)};

	if (bytes > sizeof(space))
		return 2;
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 3; i++) {
		stack_t stack = {.ss_sp = stacks[i], .ss_size = bytes};

		if (sigaltstack(&stack, NULL) || interrupted() != 1)
			return 3;
	}
	return next != 3;
}
