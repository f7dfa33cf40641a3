/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_below_the_stack_pointer: where functions were that have returned, pointers lie about; those
 * keep nothing. A thread and main() have such a place, far below where their stacks end now.
 *
 * links: -pthread
 * reach make: definitely_lost=80/2
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "scan_point.h"

enum { DEPTH = 200000 };

static sem_t asleep;

APART static void *make(void)
{
	return malloc(40);
}

APART static void leave_below(void)
{
	void *volatile frame[DEPTH / sizeof(void *)];

	memset((void *)frame, 0, sizeof(frame));
	frame[0] = make();
	__asm__ volatile("" : : "r"(frame) : "memory");
}

APART static void *sleep_above(void *unused)
{
	leave_below();
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	if (pthread_create(&thread, NULL, sleep_above, NULL))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	start();
	leave_below();
	scan_point();
}
