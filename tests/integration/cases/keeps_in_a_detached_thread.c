/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_detached_thread: nobody knows the thread any more; what its frame holds is held.
 *
 * links: -pthread
 * reach make: reachable=40/1
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
	if (pthread_create(&thread, NULL, sleep_with_a_block, NULL) || pthread_detach(thread))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	start();
	scan_point();
}
