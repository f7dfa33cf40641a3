/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_hundreds_of_threads: each thread has a block that nothing else names, on its stack.
 *
 * links: -pthread
 * reach make: reachable=12000/300
 */
#include <pthread.h>

#include "scan_point.h"

#define THREADS 300

static pthread_barrier_t barrier;

APART static void *make(void)
{
	return malloc(40);
}

static void *keep(void *unused)
{
	void *volatile block = make();

	pthread_barrier_wait(&barrier);
	for (;;)
		poll(NULL, 0, -1);
	return block == NULL ? unused : NULL;
}

int main(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, &attributes, keep, NULL) != 0)
			abort();
	pthread_barrier_wait(&barrier);
	wipe_traces();
	scan_point();
}
