/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_thread_locals: a variable that main() and each of three sleeping threads has for itself.
 *
 * links: -pthread
 * reach make: reachable=320/8
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t asleep;
__thread void *zeroed;
__thread void *initialised = &asleep;

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	zeroed = make();
	initialised = make();
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
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, sleep_with_blocks, NULL))
			abort();
	for (int i = 0; i < 3; i++)
		sem_wait(&asleep);
}

int main(void)
{
	keep();
	start();
	scan_point();
}
