/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_buffers_on_stacks_of_threads: each of six threads has an array of buffers on its stack.
 *
 * links: -pthread
 * held make_buffer: stacks of 6 threads in work FILE* → this
 * bare make_buffer: stacks of 6 threads in work → this
 */
#include <pthread.h>

#include "scan_point.h"

#define THREADS 6
#define BUFFERS 16

static pthread_barrier_t all_have_theirs;

APART static void *make_buffer(void)
{
	return calloc(1, 500);
}

static void *work(void *unused)
{
	void *volatile buffers[BUFFERS];

	(void)unused;
	for (int i = 0; i < BUFFERS; i++)
		buffers[i] = make_buffer();
	wipe_traces();
	pthread_barrier_wait(&all_have_theirs);
	sleep_for_ever();
	return buffers[0];
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&all_have_theirs, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, work, NULL);
	pthread_barrier_wait(&all_have_theirs);
	scan_point();
}
