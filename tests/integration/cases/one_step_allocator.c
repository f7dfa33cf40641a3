/* SPDX-License-Identifier: Apache-2.0 */
/*
 * one_step_allocator: a malloc that may be interrupted and left anywhere, in a library, for jumps_out_of_handlers; no
 * case of its own. Blocks below 32 bytes lie where nothing is used again, all others in a ring.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARENA_BYTES (64ull << 20)

static char kept[ARENA_BYTES] __attribute__((aligned(4096)));
static char ring[ARENA_BYTES] __attribute__((aligned(4096)));
static uint64_t kept_used, ring_used;

void *malloc(size_t bytes)
{
	size_t taken = (bytes + 16 + 15) & ~(size_t)15;
	uint64_t start =
		__atomic_fetch_add(bytes < 32 ? &kept_used : &ring_used, taken, __ATOMIC_RELAXED) %
		(ARENA_BYTES / 2);
	char *block = (bytes < 32 ? kept : ring) + start + 16;

	if (bytes > ARENA_BYTES / 2)
		return NULL;
	memcpy(block - sizeof(bytes), &bytes, sizeof(bytes));
	return block;
}

void *calloc(size_t count, size_t bytes)
{
	void *block = malloc(count * bytes);

	return block == NULL ? NULL : memset(block, 0, count * bytes);
}

void *realloc(void *block, size_t bytes)
{
	void *larger = malloc(bytes);
	size_t before = 0;

	if (block != NULL)
		memcpy(&before, (char *)block - sizeof(before), sizeof(before));
	if (larger != NULL && block != NULL)
		memcpy(larger, block, before < bytes ? before : bytes);
	return larger;
}

void free(void *block)
{
	(void)block;
}
