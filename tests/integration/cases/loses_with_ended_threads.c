/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_with_ended_threads: four threads are over, one of them detached. glibc keeps their stacks
 * for later threads, with all that lies on them; that holds nothing.
 *
 * links: -pthread
 * reach make: definitely_lost=160/4
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "scan_point.h"

static sem_t begun, may_end;
static volatile pid_t last;

APART static void *make(void)
{
	return malloc(40);
}

APART static void *end_with_a_block(void *unused)
{
	void *volatile held = make();

	last = gettid();
	sem_post(&begun);
	sem_wait(&may_end);
	return held ? NULL : unused;
}

APART static void run(void)
{
	pthread_t threads[4];

	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, end_with_a_block, NULL))
			abort();
		sem_wait(&begun);
	}
	for (int i = 0; i < 4; i++)
		sem_post(&may_end);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_detach(threads[3]);
	while (!tgkill(getpid(), last, 0))
		poll(NULL, 0, 1);
}

int main(void)
{
	run();
	scan_point();
}
