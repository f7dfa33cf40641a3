/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tortures_allocator: eight threads allocate, reallocate and free each other's blocks through one
 * table of slots, while one of them forks now and then. The program knows how many blocks each of
 * its sites must have in the end and prints it:
 *
 *     SITE allocations frees live_blocks live_bytes
 *
 * Which site owns a block is kept beside it; the last one to (re)allocate does.
 *
 *     tortures_allocator ROUNDS FORKS
 *
 * The test is in test_threads.py.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define SLOTS 512
#define SITES 5

struct slot {
	pthread_mutex_t lock;
	unsigned char *block;
	size_t bytes;
	int site;
};

struct tally {
	long allocations, frees, live_blocks, live_bytes;
};

static struct slot slots[SLOTS];
static struct tally tallies[THREADS][SITES];
static long rounds, forks;

__attribute__((noinline)) static void *by_malloc(size_t bytes)
{
	return malloc(bytes);
}

__attribute__((noinline)) static void *by_calloc(size_t bytes)
{
	return calloc(1, bytes);
}

__attribute__((noinline)) static void *by_memalign(size_t bytes)
{
	return aligned_alloc(64, bytes);
}

__attribute__((noinline)) static void *by_realloc(void *block, size_t bytes)
{
	return realloc(block, bytes);
}

__attribute__((noinline)) static void *by_strdup(size_t bytes)
{
	char text[4096];

	memset(text, 'x', bytes);
	text[bytes - 1] = 0;
	return strdup(text);
}

static void forget(struct tally *tally, struct slot *slot)
{
	tally[slot->site].frees++;
	tally[slot->site].live_blocks--;
	tally[slot->site].live_bytes -= slot->bytes;
}

static void remember(struct tally *tally, struct slot *slot, int site, size_t bytes)
{
	if (!slot->block)
		abort();
	slot->site = site;
	slot->bytes = bytes;
	tally[site].allocations++;
	tally[site].live_blocks++;
	tally[site].live_bytes += bytes;
	slot->block[0] = slot->block[bytes - 2] = (unsigned char)bytes;
}

static void step(struct tally *tally, struct slot *slot, unsigned random)
{
	size_t bytes = 2 + random % 4000;

	if (slot->block && (slot->block[0] != (unsigned char)slot->bytes ||
			    slot->block[slot->bytes - 2] != (unsigned char)slot->bytes))
		abort();
	if (slot->block && random >> 16 & 1) {
		forget(tally, slot);
		slot->block = by_realloc(slot->block, bytes);
		remember(tally, slot, 3, bytes);
	} else if (slot->block) {
		forget(tally, slot);
		free(slot->block);
		slot->block = NULL;
	} else {
		int site = (random >> 18) % 4;

		if (site == 0)
			slot->block = by_malloc(bytes);
		else if (site == 1)
			slot->block = by_calloc(bytes);
		else if (site == 2)
			slot->block = by_memalign(bytes);
		else
			slot->block = by_strdup(bytes);
		remember(tally, slot, site == 3 ? 4 : site, bytes);
	}
}

static void *run(void *argument)
{
	long number = (long)argument;
	unsigned random = 12345 + number;

	for (long i = 0; i < rounds; i++) {
		struct slot *slot;

		random = random * 1664525 + 1013904223;
		slot = &slots[random >> 8 & (SLOTS - 1)];
		pthread_mutex_lock(&slot->lock);
		step(tallies[number], slot, random >> 4);
		pthread_mutex_unlock(&slot->lock);
		if (number == 0 && forks && i % (rounds / forks) == 0) {
			pid_t child = fork();

			if (child == 0) {
				free(malloc(100));
				_exit(0);
			}
			waitpid(child, NULL, 0);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const char *const names[SITES] = {"by_malloc", "by_calloc", "by_memalign",
						 "by_realloc", "by_strdup"};
	pthread_t threads[THREADS];

	rounds = argc > 1 ? atol(argv[1]) : 10000;
	forks = argc > 2 ? atol(argv[2]) : 5;
	for (int i = 0; i < SLOTS; i++)
		pthread_mutex_init(&slots[i].lock, NULL);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int site = 0; site < SITES; site++) {
		struct tally sum = {0};

		for (int i = 0; i < THREADS; i++) {
			sum.allocations += tallies[i][site].allocations;
			sum.frees += tallies[i][site].frees;
			sum.live_blocks += tallies[i][site].live_blocks;
			sum.live_bytes += tallies[i][site].live_bytes;
		}
		printf("%s %ld %ld %ld %ld\n", names[site], sum.allocations, sum.frees,
		       sum.live_blocks, sum.live_bytes);
	}
	return 0;
}
