/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_beside_threads: while a child is forked, other threads have blocks on their stacks and in their
 * registers only. The child has the blocks, and nobody who will free them.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "scan_point.h"

#define THREADS 4

static pthread_barrier_t barrier;

APART static void *make(void)
{
	return malloc(40);
}

static void *keep(void *unused)
{
	void *volatile blocks[10];

	for (int i = 0; i < 10; i++)
		blocks[i] = make();
	pthread_barrier_wait(&barrier);
	for (;;)
		poll(NULL, 0, -1);
	return blocks[0] == NULL ? unused : NULL;
}

/* Enough of its own that it gets a file. */
APART static void live_in_child(void)
{
	for (int i = 0; i < 20; i++)
		free(malloc(24));
	wipe_traces();
	exit(0);
}

int main(void)
{
	pthread_t thread;
	int status;
	pid_t child;

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, keep, NULL);
	pthread_barrier_wait(&barrier);
	child = fork();
	if (child == 0)
		live_in_child();
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
