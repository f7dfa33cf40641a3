/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_on_stacks_of_threads: the twin of keeps_on_stacks_of_threads forgets its blocks.
 *
 * links: -pthread
 * reach make: definitely_lost=360/9
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t asleep;

APART static void *make(void)
{
	return malloc(40);
}

APART static void *sleep_without_a_block(void *unused)
{
	void *volatile held = make();

	held = unused;
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return held;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	for (int i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, sleep_without_a_block, NULL))
			abort();
	for (int i = 0; i < 8; i++)
		sem_wait(&asleep);
}

int main(void)
{
	void *volatile held = make();

	held = NULL;
	start();
	scan_point();
	return held == NULL;
}
