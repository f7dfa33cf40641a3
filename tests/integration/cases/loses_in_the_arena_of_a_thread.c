/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_the_arena_of_a_thread: what a thread allocates lies in an arena, a mapping that belongs
 * to libc. What it forgets is lost all the same.
 *
 * links: -pthread
 * reach first: definitely_lost=400/10 reachable=40/1
 * reach second: indirectly_lost=240/10 reachable=24/1
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t asleep;
void **head;

APART static void first(void)
{
	head = malloc(40);
}

APART static void second(void)
{
	head[1] = malloc(24);
}

static void *sleep_after_work(void *unused)
{
	for (int i = 0; i < 11; i++) {
		first();
		second();
	}
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	if (pthread_create(&thread, NULL, sleep_after_work, NULL))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	start();
	scan_point();
}
