/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_on_stacks_of_many_threads: three hundred of them, and each has lost a block besides.
 *
 * links: -pthread
 * reach keep: reachable=12000/300
 * reach lose: definitely_lost=7200/300
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

enum { THREADS = 300 };

static sem_t asleep;

APART static void *keep(void)
{
	return malloc(40);
}

APART static void *lose(void)
{
	return malloc(24);
}

APART static void *sleep_with_a_block(void *unused)
{
	void *volatile held = lose();

	held = keep();
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return held ? held : unused;
}

APART static void start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 4 * WIPED_BYTES);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, &attributes, sleep_with_a_block, NULL))
			abort();
	for (int i = 0; i < THREADS; i++)
		sem_wait(&asleep);
}

int main(void)
{
	start();
	scan_point();
}
