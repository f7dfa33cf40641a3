/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moves_its_memory: forty rounds with a snapshot after each, in which the memory of the whole process
 * goes on growing, stays, or comes and goes. Each sick way has its healthy twin behind it. For
 * test_process_memory.
 *
 *     moves_its_memory leaks          100 KiB in small blocks each round
 *     moves_its_memory frees          the same, but those of the round before go
 *     moves_its_memory fragments      32 MiB of small blocks, of which one on each page stays
 *     moves_its_memory clears         32 MiB of small blocks, and none stays
 *     moves_its_memory scatters       256 blocks of nearly a page each round, of which a small part stays
 *     moves_its_memory keeps          32 MiB of small blocks, freed below a last one
 *     moves_its_memory trims          the same, but malloc is told to give them back
 *     moves_its_memory needs_again    the same, but they are needed again and again
 *     moves_its_memory maps           256 KiB of a new mapping each round
 *     moves_its_memory unmaps         the same, but that of the round before goes
 *     moves_its_memory shares         256 KiB of shared memory each round
 *
 * A round takes 30 ms, or as many as the second argument says.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "seep.h"

enum {
	MIB = 1 << 20,
	ROUNDS = 40,
	BLOCK = 240,
	MANY = 32 * MIB / 256,
	CHUNK = 256 << 10,
	PAGES = 256
};

static char *blocks[MANY], *kept[ROUNDS][CHUNK / BLOCK], *last, *map;
/* Otherwise gcc does not store what nobody reads, and the block is lost. */
static char *volatile first;

__attribute__((noinline)) static char *allocate_block(void)
{
	return memset(malloc(BLOCK), 1, BLOCK);
}

__attribute__((noinline)) static char *allocate_round(void)
{
	return memset(malloc(BLOCK), 1, BLOCK);
}

__attribute__((noinline)) static char *shrink_block(char *block)
{
	return realloc(block, BLOCK);
}

static void fill(int count)
{
	for (int i = 0; i < count; i++)
		blocks[i] = allocate_block();
}

static void free_all(int count)
{
	for (int i = 0; i < count; i++)
		free(blocks[i]);
}

static void free_all_but_one_per_page(int count)
{
	size_t page = 0;

	for (int i = 0; i < count; i++) {
		if ((size_t)blocks[i] / 4096 != page)
			page = (size_t)blocks[i] / 4096;
		else
			free(blocks[i]);
	}
}

static void leak(int round)
{
	for (int i = 0; i < 100 * 1024 / BLOCK; i++)
		kept[round][i] = allocate_round();
}

static void leak_nothing(int round)
{
	leak(round);
	for (int i = 0; round && i < 100 * 1024 / BLOCK; i++)
		free(kept[round - 1][i]);
}

static void fragment(int round)
{
	if (round != 3)
		return;
	fill(MANY);
	free_all_but_one_per_page(MANY);
}

static void clear(int round)
{
	if (round != 3)
		return;
	fill(MANY);
	free_all(MANY);
}

/* What is free after a round is too small for the blocks of the next. */
static void scatter(int round)
{
	for (int i = 0; i < PAGES; i++)
		blocks[i] = malloc(3300 + 16 * (size_t)round);
	for (int i = 0; i < PAGES; i++)
		kept[round][i] = shrink_block(blocks[i]);
}

static void keep(int round)
{
	if (round != 3)
		return;
	fill(MANY);
	last = allocate_block();
	free_all(MANY);
}

static void trim(int round)
{
	keep(round);
	malloc_trim(0);
}

static void need_again(int round)
{
	if (round % 4 == 1) {
		fill(MANY);
		last = last ? last : allocate_block();
	} else if (round % 4 == 2) {
		free_all(MANY);
	}
}

static void map_more(int flags)
{
	map = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	memset(map, 1, CHUNK);
}

static void map_private(int unused)
{
	(void)unused;
	map_more(MAP_PRIVATE);
}

static void unmap(int round)
{
	if (round)
		munmap(map, CHUNK);
	map_more(MAP_PRIVATE);
}

static void map_shared(int unused)
{
	(void)unused;
	map_more(MAP_SHARED);
}

/* Equal rounds, however busy the machine is. */
static void wait_for_tick(long tick_ms)
{
	static struct timespec next;

	if (!next.tv_sec)
		clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_nsec += tick_ms * 1000000;
	if (next.tv_nsec >= 1000000000) {
		next.tv_nsec -= 1000000000;
		next.tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*act)(int round);
	} ways[] = {
		{"leaks", leak},   {"frees", leak_nothing},	{"fragments", fragment},
		{"clears", clear}, {"scatters", scatter},	{"keeps", keep},
		{"trims", trim},   {"needs_again", need_again}, {"maps", map_private},
		{"unmaps", unmap}, {"shares", map_shared},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) != 0)
			continue;
		first = allocate_round();
		for (int round = 0; round < ROUNDS; round++) {
			ways[i].act(round);
			wait_for_tick(argc > 2 ? atol(argv[2]) : 30);
			if (seep_snapshot(NULL) != 0)
				return 3;
		}
		_exit(0);
	}
	return 2;
}
