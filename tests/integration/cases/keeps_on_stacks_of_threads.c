/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_on_stacks_of_threads: eight threads asleep, each with a block in a variable of its frame,
 * and one in main()'s.
 *
 * links: -pthread
 * reach make: reachable=360/9
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t asleep;

APART static void *make(void)
{
	return malloc(40);
}

APART static void *sleep_with_a_block(void *unused)
{
	void *volatile held = make();

	sem_post(&asleep);
	sleep_for_ever();
	return held ? held : unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	for (int i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, sleep_with_a_block, NULL))
			abort();
	for (int i = 0; i < 8; i++)
		sem_wait(&asleep);
}

int main(void)
{
	void *volatile held = make();

	start();
	scan_point();
	return held == NULL;
}
