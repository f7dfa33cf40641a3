/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uses_another_malloc: the program brings its own allocator in a library, as jemalloc would be.
 * seep stands in front of it and passes on to it, not to libc's.
 *
 * build: -O0
 * library: tiny_allocator.c
 * expect: allocations=5 frees=2 live_blocks=3 live_bytes=1600
 * function keep: live_blocks=2 live_bytes=600
 */
#include <stdlib.h>
#include <string.h>

extern int is_tiny(const void *block);

void *blocks[4];

static void *check(void *block)
{
	if (!is_tiny(block))
		abort();
	return block;
}

__attribute__((noinline)) static void keep(int index)
{
	blocks[index] = check(malloc(300));
}

int main(void)
{
	keep(0);
	keep(1);
	blocks[2] = check(realloc(check(calloc(5, 100)), 1000));
	free(check(aligned_alloc(256, 512)));
	return 0;
}
