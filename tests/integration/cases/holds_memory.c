/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holds_memory: has the allocator hold memory in one way or another, and says on stdout how much glibc
 * says that it holds: in arenas and in mappings of single blocks. For test_heap_memory.
 *
 *     holds_memory one_per_page     64 MiB of small blocks, of which one on each page stays
 *     holds_memory below_the_top    64 MiB of small blocks, freed below a last one
 *     holds_memory all_blocks       64 MiB of small blocks
 *     holds_memory outside          32 MiB of a mapping of its own, all of it touched
 *     holds_memory mapped           40 blocks of 1 MiB, each with a mapping of its own; half is freed,
 *                                   and of the others only a page is touched
 *     holds_memory threads          8 threads with 4 MiB of small blocks each, half of which are freed
 *     holds_memory nothing          one block
 *
 * With a second argument it goes on until its stdin ends.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20, BLOCK = 100, BLOCKS = 64 * MIB / 112, THREADS = 8, MAPPED = 40 };

static char *blocks[BLOCKS], *mapped[MAPPED], *last;
static pthread_barrier_t barrier;

__attribute__((noinline)) static char *allocate_small(void)
{
	return memset(malloc(BLOCK), 1, BLOCK);
}

static void fill(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = allocate_small();
}

static void keep_one_per_page(void)
{
	size_t page = 0;

	fill();
	for (int i = 0; i < BLOCKS; i++) {
		if ((size_t)blocks[i] / 4096 != page)
			page = (size_t)blocks[i] / 4096;
		else
			free(blocks[i]);
	}
}

static void keep_the_last(void)
{
	fill();
	last = allocate_small();
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void map_memory(void)
{
	char *place =
		mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(place, 1, 32 * MIB);
}

static void allocate_large(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10); /* and it does not change by itself */
	for (int i = 0; i < MAPPED; i++)
		mapped[i] = malloc(MIB);
	for (int i = 0; i < MAPPED; i += 2)
		free(mapped[i]);
	for (int i = 1; i < MAPPED; i += 2)
		mapped[i][0] = 1;
}

static void *allocate_in_a_thread(void *unused)
{
	enum { COUNT = 4 * MIB / 112 };
	char **own = malloc(COUNT * sizeof(*own));

	pthread_barrier_wait(&barrier); /* or one arena would do */
	for (int i = 0; i < COUNT; i++)
		own[i] = allocate_small();
	for (int i = 0; i < COUNT; i += 2)
		free(own[i]);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier); /* main has seen it */
	return unused;
}

static void start_threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, allocate_in_a_thread, NULL);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} ways[] = {{"one_per_page", keep_one_per_page},
		    {"below_the_top", keep_the_last},
		    {"all_blocks", fill},
		    {"outside", map_memory},
		    {"mapped", allocate_large},
		    {"threads", start_threads},
		    {"nothing", NULL}};
	const char *way = argc > 1 ? argv[1] : "nothing";
	struct mallinfo2 info;
	char line[100];
	int bytes;

	last = allocate_small();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(way, ways[i].name) == 0 && ways[i].act != NULL)
			ways[i].act();
	info = mallinfo2();
	bytes = snprintf(line, sizeof(line), "%zu %zu\n", info.arena, info.hblkhd);
	if (write(1, line, (size_t)bytes) != bytes)
		return 2;
	while (argc > 2 && read(0, line, sizeof(line)) > 0)
		;
	_exit(0); /* as it is now */
}
