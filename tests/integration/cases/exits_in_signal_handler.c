/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits_in_signal_handler: _exit from a timer's handler, while the program allocates and has many
 * blocks, so that a snapshot by the program itself is likely to be under way.
 *
 * The test is in test_hazards.py.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define BLOCKS 400000

static void leave(int signal)
{
	(void)signal;
	_exit(5);
}

int main(void)
{
	struct itimerval soon = {.it_value.tv_usec = 300000};
	void **blocks = malloc(sizeof(*blocks) * BLOCKS);

	signal(SIGALRM, leave);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(24);
	setitimer(ITIMER_REAL, &soon, NULL);
	for (;;) {
		void *volatile block = malloc(20);

		free(block);
	}
}
