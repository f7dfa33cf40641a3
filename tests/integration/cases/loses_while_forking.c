/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_while_forking: a thread forks all the time; main() has lost ten blocks and kept ten.
 *
 * links: -pthread
 * reach lose: definitely_lost=400/10
 * reach keep: reachable=240/10
 */
#include <pthread.h>
#include <sys/wait.h>

#include "scan_point.h"

void *kept[10];
static volatile int forks;

APART static void lose(void)
{
	kept[0] = malloc(40);
}

APART static void keep(int index)
{
	kept[index] = malloc(24);
}

static void *fork_for_ever(void *unused)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		forks++;
	}
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fork_for_ever, NULL))
		abort();
	while (forks < 3)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	for (int i = 0; i < 10; i++)
		lose();
	for (int i = 0; i < 10; i++)
		keep(i);
	scan_point();
}
