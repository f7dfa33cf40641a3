/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packs_small_blocks: many small blocks side by side, up to four of them within 32 bytes,
 * allocated, reallocated and freed in any order. The program counts them itself and ends with the
 * numbers that are expected here; it is the same sequence in every run.
 *
 * library: packing_allocator.c
 * build: -O1
 * options: --interval=5ms
 * expect: allocations=575288 frees=566002 live_blocks=9286 live_bytes=233150
 * file: unknown_frees=0
 * function allocate: live_blocks=6894 live_bytes=173717
 * function reallocate: live_blocks=2392 live_bytes=59433
 * output: allocate 6894 173717, reallocate 2392 59433
 */
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 16384

static struct {
	void *block;
	unsigned bytes;
	int is_reallocated;
} slots[SLOTS];

__attribute__((noinline)) static void *allocate(unsigned bytes)
{
	return malloc(bytes);
}

__attribute__((noinline)) static void *reallocate(void *block, unsigned bytes)
{
	return realloc(block, bytes);
}

int main(void)
{
	static char space[BUFSIZ];
	unsigned random = 1, count[2] = {0}, bytes[2] = {0};

	setvbuf(stdout, space, _IOFBF, sizeof(space));
	for (int i = 0; i < 1000000; i++) {
		unsigned slot, size, what;

		random = random * 1664525 + 1013904223;
		slot = random >> 18;
		random = random * 1664525 + 1013904223;
		size = (random >> 28) ? 1 + (random >> 20) % 36 : 1 + (random >> 20) % 2000;
		what = random >> 12 & 3;
		if (!slots[slot].block) {
			slots[slot].block = allocate(size);
			slots[slot].bytes = size;
			slots[slot].is_reallocated = 0;
		} else if (what == 0) {
			slots[slot].block = reallocate(slots[slot].block, size);
			slots[slot].bytes = size;
			slots[slot].is_reallocated = 1;
		} else {
			free(slots[slot].block);
			slots[slot].block = NULL;
		}
	}
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i].block) {
			count[slots[i].is_reallocated]++;
			bytes[slots[i].is_reallocated] += slots[i].bytes;
		}
	}
	printf("allocate %u %u, reallocate %u %u\n", count[0], bytes[0], count[1], bytes[1]);
	return 0;
}
