/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_scratch_in_thread_locals: main and four other threads have a pool of their own each.
 *
 * links: -pthread
 * held make_scratch: thread_local pool.chunks[…] (FILE) → this
 * bare make_scratch: thread_local pool → this
 */
#include <pthread.h>

#include "scan_point.h"

#define THREADS 4
#define CHUNKS 10

static _Thread_local struct {
	int count;
	void *chunks[CHUNKS];
} pool;

static pthread_barrier_t all_have_theirs;

APART static void *make_scratch(void)
{
	return calloc(1, 200);
}

APART static void fill_pool(void)
{
	while (pool.count < CHUNKS)
		pool.chunks[pool.count++] = make_scratch();
}

static void *work(void *unused)
{
	fill_pool();
	wipe_traces();
	pthread_barrier_wait(&all_have_theirs);
	sleep_for_ever();
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&all_have_theirs, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, work, NULL);
	fill_pool();
	pthread_barrier_wait(&all_have_theirs);
	scan_point();
}
