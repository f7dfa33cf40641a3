/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_on_a_stack_of_its_own: the stack of the thread is a block, made by the program.
 *
 * links: -pthread
 * reach make: reachable=40/1
 * reach make_stack: reachable=262144/1
 */
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

enum { STACK_BYTES = 262144 };

void *stack;
static sem_t asleep;

APART static void *make(void)
{
	return malloc(40);
}

APART static void make_stack(void)
{
	if (posix_memalign(&stack, 4096, STACK_BYTES))
		abort();
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
	pthread_attr_t attributes;
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	pthread_attr_init(&attributes);
	if (pthread_attr_setstack(&attributes, stack, STACK_BYTES) ||
	    pthread_create(&thread, &attributes, sleep_with_a_block, NULL))
		abort();
	sem_wait(&asleep);
}

int main(void)
{
	make_stack();
	start();
	scan_point();
}
