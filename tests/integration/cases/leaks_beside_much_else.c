/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaks_beside_much_else: four threads leak 20,000 blocks of 100 bytes each while they allocate and
 * free ten times as much, by every function there is; three large blocks are kept. The test is in
 * test_sampling.py.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define LEAKS 20000

static void *volatile kept;

__attribute__((noinline)) static void leak(void)
{
	void *block = malloc(100);

	memset(block, 1, 100);
	kept = block;
}

__attribute__((noinline)) static void keep_large(void)
{
	void *block = malloc(16 << 20);

	kept = block;
}

__attribute__((noinline)) static void work(size_t bytes)
{
	void *blocks[6] = {malloc(bytes), calloc(3, bytes), memalign(64, bytes),
			   aligned_alloc(32, bytes), realloc(NULL, bytes)};

	if (posix_memalign(&blocks[5], 128, bytes) != 0)
		abort();
	blocks[0] = realloc(blocks[0], 3 * bytes);
	blocks[1] = reallocarray(blocks[1], 2, bytes);
	blocks[2] = realloc(blocks[2], bytes / 2 + 1);
	for (int i = 0; i < 6; i++)
		free(blocks[i]);
}

static void *run(void *unused)
{
	for (size_t i = 0; i < LEAKS; i++) {
		leak();
		work(20 + i % 300);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS];

	/* One call, not three in a row. */
	for (volatile int i = 0; i < 3; i++)
		keep_large();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
