/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jumps_out_of_handlers: a handler that allocates, and then leaves what it has interrupted by siglongjmp, 10,000 times;
 * mostly that is an allocation. Then a thousand blocks are kept.
 *
 *     jumps_out_of_handlers [on another stack]
 *
 * Its malloc may be left anywhere (one_step_allocator). The test is in test_hazards.py.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define JUMPS 10000
#define KEPT 1000

static sigjmp_buf before;
static volatile int jumps;
static void *volatile by_handler[JUMPS], *volatile afterwards[KEPT];

static void interrupt_again_in(long us)
{
	const struct itimerval soon = {.it_value = {.tv_usec = us}};

	setitimer(ITIMER_REAL, &soon, NULL);
}

__attribute__((noinline)) static void keep_in_handler(void)
{
	by_handler[jumps] = malloc(24);
}

static void leave(int signal)
{
	(void)signal;
	keep_in_handler();
	jumps++;
	siglongjmp(before, 1);
}

/* Small blocks and large ones, of which the table is another, and is locked. */
__attribute__((noinline)) static void work(int depth)
{
	volatile char frame[64];

	frame[0] = (char)depth;
	if (depth > 0) {
		work(depth - 1);
		return;
	}
	for (int i = 0;; i++) {
		void *volatile block = malloc(i % 2 == 0 ? 40 : 1500);

		free(block);
	}
}

__attribute__((noinline)) static void keep_afterwards(int i)
{
	afterwards[i] = malloc(16);
}

int main(int argc, char **argv)
{
	static char stack[64 << 10];
	stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = leave, .sa_flags = argc > 1 ? SA_ONSTACK : 0};

	(void)argv;
	sigaltstack(&other, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigsetjmp(before, 1);
	if (jumps < JUMPS) {
		interrupt_again_in(20 + jumps % 30);
		work(jumps % 20);
	}
	for (int i = 0; i < KEPT; i++)
		keep_afterwards(i);
	printf("%d\n", jumps);
	return 0;
}
