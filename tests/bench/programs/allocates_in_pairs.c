/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_pairs: malloc(40) and free, again and again, with the same stack each time.
 *
 * The allocator does next to nothing here (the block comes from the thread's cache), so what a
 * tracker adds stands out undiluted. This is the worst case of any program, and the best case of a
 * tracker that remembers the last stack.
 *
 *     allocates_in_pairs DEPTH THREADS PAIRS
 *
 * DEPTH counts all frames of the stack: allocate_pairs, descend (DEPTH - 4 times), work, and
 * start_thread and clone3 of libc. Prints nanoseconds per pair and thread.
 */
#include <pthread.h>

#include "tests/bench/programs/stopwatch.h"

enum { BYTES = 40, FRAMES_AROUND = 4, THREADS_MAX = 1024 };

struct worker {
	pthread_t thread;
	long frames; /* of descend */
	long pairs;
	double wall_ns, work_ns; /* per pair */
};

static pthread_barrier_t start_line;

static __attribute__((noinline)) void allocate_pairs(long pairs)
{
	for (long i = 0; i < pairs; i++) {
		void *ptr = malloc(BYTES);

		KEEP(ptr);
		free(ptr);
	}
}

static __attribute__((noinline)) void descend(struct worker *worker, long frames)
{
	double wall, work;

	if (frames > 1) {
		descend(worker, frames - 1);
		KEEP_FRAME();
		return;
	}
	allocate_pairs(worker->pairs / 8);
	pthread_barrier_wait(&start_line);
	wall = WALL_NS();
	work = WORK_NS();
	allocate_pairs(worker->pairs);
	worker->work_ns = (WORK_NS() - work) / (double)worker->pairs;
	worker->wall_ns = (WALL_NS() - wall) / (double)worker->pairs;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	descend(worker, worker->frames);
	return NULL;
}

int main(int argc, char **argv)
{
	static const char usage[] = "DEPTH THREADS PAIRS";
	static struct worker workers[THREADS_MAX];
	long depth = number_at(argc, argv, 1, usage), threads = number_at(argc, argv, 2, usage);
	long pairs = number_at(argc, argv, 3, usage);
	double wall_ns = 0, work_ns = 0;

	if (depth <= FRAMES_AROUND || threads < 1 || threads > THREADS_MAX || pairs < 1) {
		fprintf(stderr, "%s: DEPTH is 5 or more, THREADS 1 to %d, PAIRS 1 or more\n",
			argv[0], THREADS_MAX);
		return 2;
	}
	pthread_barrier_init(&start_line, NULL, (unsigned)threads);
	for (long i = 0; i < threads; i++) {
		workers[i].frames = depth - FRAMES_AROUND;
		workers[i].pairs = pairs;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (long i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		wall_ns += workers[i].wall_ns / (double)threads;
		work_ns += workers[i].work_ns / (double)threads;
	}
	printf("{\"ns_per_pair\":%.3f,\"work_ns_per_pair\":%.3f,\"allocations\":%ld}\n", wall_ns,
	       work_ns, threads * (pairs + pairs / 8));
	return 0;
}
