/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_threads: threads that allocate once or twice and then wait.
 *
 * Servers have thousands of these; what a tracker keeps for each of them must be small. As with
 * blocks, the difference between few and many threads, less the same without a tracker, is its
 * memory per thread.
 *
 *     keeps_threads FEW MANY
 *
 * Prints bytes per thread, page tables included.
 */
#include <pthread.h>
#include <semaphore.h>

#include "tests/bench/programs/footprint.h"
#include "tests/bench/programs/stopwatch.h"

enum { THREADS_MAX = 10000 };

static sem_t is_ready, may_end;

static void *allocate_and_wait(void *argument)
{
	void *kept = malloc(100), *dropped = malloc(1000);

	(void)argument;
	KEEP(dropped);
	free(dropped);
	sem_post(&is_ready);
	sem_wait(&may_end);
	free(kept);
	return NULL;
}

/* The threads from..to have started, allocated, and wait. */
static double footprint_with(pthread_t *threads, long from, long to)
{
	for (long i = from; i < to; i++) {
		int error = pthread_create(&threads[i], NULL, allocate_and_wait, NULL);

		if (error != 0) {
			fprintf(stderr, "thread %ld: %s\n", i, strerror(error));
			exit(2);
		}
	}
	for (long i = from; i < to; i++)
		sem_wait(&is_ready);
	return footprint_bytes() + footprint_table_bytes();
}

int main(int argc, char **argv)
{
	static const char usage[] = "FEW MANY";
	static pthread_t threads[THREADS_MAX];
	long few = number_at(argc, argv, 1, usage), many = number_at(argc, argv, 2, usage);
	double before, after;

	if (few < 1 || many <= few || many > THREADS_MAX) {
		fprintf(stderr, "%s: FEW is less than MANY, MANY at most %d\n", argv[0],
			THREADS_MAX);
		return 2;
	}
	sem_init(&is_ready, 0, 0);
	sem_init(&may_end, 0, 0);
	before = footprint_with(threads, 0, few);
	after = footprint_with(threads, few, many);
	for (long i = 0; i < many; i++)
		sem_post(&may_end);
	for (long i = 0; i < many; i++)
		pthread_join(threads[i], NULL);
	printf("{\"bytes_per_thread\":%.0f,\"allocations\":%ld}\n",
	       (after - before) / (double)(many - few), many * 2);
	return 0;
}
