/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lives_through_epochs: works on and on, with a snapshot after each piece of work, as a server does in a
 * day. It keeps as many blocks as at the beginning, from one period to thousands of periods long, so
 * that each of its sites has as many cohorts as a site can have.
 *
 *     lives_through_epochs EPOCHS STEP
 *
 * After STEP epochs, and again and again, it says how many it has lived through and waits for a line.
 * Before that it takes one more snapshot, after a pause: with that the library gives back what it has
 * kept for snapshots that follow each other quickly.
 *
 * All memory of malloc is the heap at the program break, so other anonymous memory is seep's, but
 * for the stacks of threads. The runner is epochs.py.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "seep.h"

#define APART __attribute__((noinline))
#define KEPT 6000
#define DEEPEST 24
#define BLOCKS_IN_EPOCH 400
#define THREAD_ONE_IN 20
#define LARGE_ONE_IN 20
#define PAUSE_US 1200000 /* more than SCRATCH_KEPT_NS of the library */

static void *kept[KEPT];
static uint64_t state = 1;

static uint32_t next(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

/* As many stacks as it can be deep. */
APART static void *allocate(size_t bytes, uint32_t depth)
{
	void *volatile block = depth == 0 ? malloc(bytes) : allocate(bytes, depth - 1);

	return block;
}

static size_t some_bytes(void)
{
	return next() % LARGE_ONE_IN == 0 ? 1024 + next() % 4096 : 16 + next() % 200;
}

/* A place is as often taken again as its number is low: the drawn number is squared. */
static void work(void)
{
	for (int i = 0; i < BLOCKS_IN_EPOCH; i++) {
		uint64_t drawn = next() % KEPT;
		uint32_t at = (uint32_t)(drawn * drawn / KEPT);

		free(kept[at]);
		kept[at] = allocate(some_bytes(), next() % DEEPEST);
		if (next() % 8 == 0)
			kept[at] = realloc(kept[at], some_bytes());
	}
}

static void *work_in_thread(void *unused)
{
	work();
	return unused;
}

int main(int argc, char **argv)
{
	long epochs, step;
	char line[8];

	if (argc != 3 || !seep_is_watching())
		return 2;
	epochs = atol(argv[1]);
	step = atol(argv[2]);
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	for (int i = 0; i < KEPT; i++)
		kept[i] = allocate(some_bytes(), next() % DEEPEST);
	for (long epoch = 1; epoch <= epochs; epoch++) {
		pthread_t thread;

		if (epoch % THREAD_ONE_IN != 0)
			work();
		else if (pthread_create(&thread, NULL, work_in_thread, NULL) != 0 ||
			 pthread_join(thread, NULL) != 0)
			return 3;
		if (epoch % step == 0 && (usleep(PAUSE_US) != 0 || seep_snapshot(NULL) != 0))
			return 4;
		if (seep_snapshot(NULL) != 0)
			return 4;
		if (epoch % step == 0) {
			printf("%ld\n", epoch);
			fflush(stdout);
			if (fgets(line, sizeof(line), stdin) == NULL)
				return 5;
		}
	}
	return 0;
}
