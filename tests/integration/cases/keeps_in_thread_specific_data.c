/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_thread_specific_data: pthread_setspecific with the first keys, whose values lie in the
 * descriptor of the thread, and with others, whose values lie in blocks of libc.
 *
 * links: -pthread
 * held make: thread-specific data of * → … → this
 * bare make: thread-specific data of * → … → this
 * reach make: reachable=3200/80
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

enum { KEYS = 40 };

static sem_t asleep;
static pthread_key_t keys[KEYS];

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	for (int i = 0; i < KEYS; i++)
		if (pthread_setspecific(keys[i], make()))
			abort();
}

APART static void *sleep_with_blocks(void *unused)
{
	keep();
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	for (int i = 0; i < KEYS; i++)
		if (pthread_key_create(&keys[i], NULL))
			abort();
	if (pthread_create(&thread, NULL, sleep_with_blocks, NULL))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	start();
	keep();
	scan_point();
}
