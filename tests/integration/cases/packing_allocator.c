/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packing_allocator: a malloc with blocks of 8, 16, 24 … bytes side by side, as jemalloc has them,
 * and whose last freed block is the first to be given out again; for packs_small_blocks, no case of
 * its own. Not for threads.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLASSES 4096 /* of 8 bytes each */

static char arena[128 << 20] __attribute__((aligned(4096)));
static unsigned short class_of[sizeof(arena) / 8]; /* of the block that begins at each 8 bytes */
static size_t used;
static void *freed[CLASSES];

static void *take(size_t bytes)
{
	size_t class = bytes ? (bytes + 7) / 8 : 1;
	char *block;

	if (class >= CLASSES) /* large ones are never used again */
		class = 0;
	if (class && freed[class]) {
		block = freed[class];
		memcpy(&freed[class], block, sizeof(void *));
		return block;
	}
	if (!class || bytes >= 4096)
		used = (used + 63) & ~(size_t)63;
	block = arena + used;
	used += class ? class * 8 : (bytes + 7) & ~(size_t)7;
	if (used > sizeof(arena))
		return NULL;
	class_of[(block - arena) / 8] = (unsigned short)class;
	return block;
}

static void give(void *ptr)
{
	char *block = ptr;
	size_t class;

	if (!block || block < arena || block >= arena + sizeof(arena))
		return;
	class = class_of[(block - arena) / 8];
	if (!class)
		return;
	memcpy(block, &freed[class], sizeof(void *));
	freed[class] = block;
}

void *malloc(size_t bytes)
{
	return take(bytes);
}

void free(void *block)
{
	give(block);
}

void *calloc(size_t count, size_t bytes)
{
	void *block = take(count * bytes);

	return block ? memset(block, 0, count * bytes) : NULL;
}

void *realloc(void *ptr, size_t bytes)
{
	char *block = ptr;
	size_t class = block ? class_of[(block - arena) / 8] : 0;
	void *moved;

	if (class && bytes && (bytes + 7) / 8 == class)
		return block; /* where it is */
	moved = take(bytes);
	if (moved && block) {
		size_t old = class ? class * 8 : bytes;

		memcpy(moved, block, old < bytes ? old : bytes);
		give(block);
	}
	return moved;
}

static void *take_aligned(size_t alignment, size_t bytes)
{
	used = (used + alignment - 1) / alignment * alignment;
	class_of[used / 8] = 0;
	used += (bytes + 7) & ~(size_t)7;
	return arena + used - ((bytes + 7) & ~(size_t)7);
}

void *memalign(size_t alignment, size_t bytes)
{
	return take_aligned(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return take_aligned(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	*block = take_aligned(alignment, bytes);
	return 0;
}
