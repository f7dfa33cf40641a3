/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_thread_specific_data: the twin of keeps_in_thread_specific_data sets its values to NULL.
 *
 * links: -pthread
 * reach make: definitely_lost=3200/80
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

APART static void lose(void)
{
	for (int i = 0; i < KEYS; i++)
		if (pthread_setspecific(keys[i], make()) || pthread_setspecific(keys[i], NULL))
			abort();
}

APART static void *sleep_without_blocks(void *unused)
{
	lose();
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
	if (pthread_create(&thread, NULL, sleep_without_blocks, NULL))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	start();
	lose();
	scan_point();
}
