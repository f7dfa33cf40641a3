/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny_allocator: a malloc that never gives anything back, in a library, for uses_another_malloc;
 * no case of its own.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static char arena[64 << 20] __attribute__((aligned(4096)));
static size_t used;

int is_tiny(const void *block);
int is_tiny(const void *block)
{
	return (const char *)block >= arena && (const char *)block < arena + sizeof(arena);
}

static void *take(size_t alignment, size_t bytes)
{
	size_t start = (used + 16 + alignment - 1) / alignment * alignment;

	if (bytes > sizeof(arena) || start + bytes > sizeof(arena)) {
		errno = ENOMEM;
		return NULL;
	}
	used = start + bytes;
	memcpy(arena + start - sizeof(bytes), &bytes, sizeof(bytes));
	return arena + start;
}

void *malloc(size_t bytes)
{
	return take(16, bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return take(16, count * bytes); /* the arena is zero and used once */
}

void free(void *block)
{
	(void)block;
}

void *realloc(void *block, size_t bytes)
{
	void *moved = take(16, bytes);
	size_t old = 0;

	if (block)
		memcpy(&old, (char *)block - sizeof(old), sizeof(old));
	if (moved && block)
		memcpy(moved, block, old < bytes ? old : bytes);
	return moved;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return take(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	*block = take(alignment, bytes);
	return *block ? 0 : ENOMEM;
}
