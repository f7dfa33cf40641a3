/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_by_any_malloc: what each malloc offers, and threads that free each other's blocks of 8
 * bytes, several of which lie within the same 32 in most allocators. For test_allocators, which links
 * and preloads others than glibc's; these are its own. No pvalloc: jemalloc has none, and could not
 * free what glibc's returns.
 *
 * build: -O1 -fno-optimize-sibling-calls -fno-builtin
 * links: -pthread
 * function by_malloc: live_blocks=1 live_bytes=101 allocations=2 frees=1
 * function by_calloc: live_blocks=1 live_bytes=102 allocations=2 frees=1
 * function by_realloc: live_blocks=1 live_bytes=300 allocations=2 frees=1
 * function by_reallocarray: live_blocks=1 live_bytes=104 allocations=2 frees=1
 * function by_memalign: live_blocks=1 live_bytes=105 allocations=2 frees=1
 * function by_aligned_alloc: live_blocks=1 live_bytes=128 allocations=2 frees=1
 * function by_posix_memalign: live_blocks=1 live_bytes=107 allocations=2 frees=1
 * function by_valloc: live_blocks=1 live_bytes=108 allocations=2 frees=1
 * function exchange: live_blocks=64 live_bytes=512 allocations=2000000 frees=1999936
 * file: unknown_frees=0 lost_blocks=0
 * output: 16 ways, 2000000 exchanged
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAS_NO_REALLOCARRAY
#define reallocarray(ptr, count, bytes) realloc(ptr, (count) * (bytes))
#endif

#define ENTRY __attribute__((noinline)) static void *
#define WAYS 8
#define SLOTS 64
#define THREADS 4
#define EXCHANGES 500000

static void *volatile blocks[WAYS];
static _Atomic(void *) slots[SLOTS];
static _Atomic(long) exchanged;

ENTRY by_malloc(void)
{
	return malloc(101);
}

ENTRY by_calloc(void)
{
	char *block = calloc(2, 51);

	for (int i = 0; i < 102; i++)
		if (block[i] != 0)
			abort();
	return block;
}

ENTRY by_realloc(void)
{
	char *block = realloc(NULL, 103);

	strcpy(block, "kept");
	block = realloc(block, 300);
	if (strcmp(block, "kept") != 0)
		abort();
	return block;
}

ENTRY by_reallocarray(void)
{
	char *block = reallocarray(NULL, 100, 13);

	strcpy(block, "kept");
	block = reallocarray(block, 8, 13);
	if (strcmp(block, "kept") != 0)
		abort();
	return block;
}

ENTRY by_memalign(void)
{
	return memalign(32, 105);
}

ENTRY by_aligned_alloc(void)
{
	return aligned_alloc(64, 128);
}

ENTRY by_posix_memalign(void)
{
	void *block;

	return posix_memalign(&block, 128, 107) ? NULL : block;
}

ENTRY by_valloc(void)
{
	return valloc(108);
}

__attribute__((noinline)) static void exchange(unsigned slot)
{
	uint64_t *block = malloc(8), *other;

	*block = slot;
	other = atomic_exchange(&slots[slot], block);
	if (other && *other != slot)
		abort();
	free(other);
	atomic_fetch_add(&exchanged, 1);
}

static void *exchange_many(void *seed)
{
	unsigned random = (unsigned)(uintptr_t)seed;

	for (int i = 0; i < EXCHANGES; i++) {
		random = random * 1103515245 + 12345;
		exchange((random >> 16) % SLOTS);
	}
	return NULL;
}

int main(void)
{
	void *(*const ways[WAYS])(void) = {by_malloc,	      by_calloc,   by_realloc,
					   by_reallocarray,   by_memalign, by_aligned_alloc,
					   by_posix_memalign, by_valloc};
	static char space[BUFSIZ];
	pthread_t threads[THREADS];
	int used = 0;

	setvbuf(stdout, space, _IOFBF, sizeof(space));
	for (int i = 0; i < 2 * WAYS; i++) {
		free(blocks[i / 2]);
		blocks[i / 2] = ways[i / 2]();
		if (!blocks[i / 2])
			abort();
		used += malloc_usable_size(blocks[i / 2]) >= 101;
		memset(blocks[i / 2], 0xa5, 101);
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, exchange_many, (void *)(i + 1)) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d ways, %ld exchanged\n", used, (long)exchanged);
	return 0;
}
