/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interruptible_allocator: a malloc that a signal handler may interrupt and call, in a library, for
 * allocates_in_a_timer_handler; no case of its own. It takes one step and gives nothing back, and
 * counts what it is asked for.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static char arena[1u << 30] __attribute__((aligned(4096)));
static _Atomic(size_t) used;
static _Atomic(long) allocations, frees;

long allocator_allocations(void);
long allocator_allocations(void)
{
	return allocations;
}

long allocator_frees(void);
long allocator_frees(void)
{
	return frees;
}

static void *take(size_t bytes)
{
	size_t whole = (bytes + 16 + 31) / 32 * 32;
	size_t start = atomic_fetch_add(&used, whole) + 16;

	if (bytes > sizeof(arena) || start + bytes > sizeof(arena)) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(arena + start - sizeof(bytes), &bytes, sizeof(bytes));
	return arena + start;
}

void *malloc(size_t bytes)
{
	allocations++;
	return take(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	allocations++;
	return take(count * bytes); /* the arena is zero and used once */
}

void free(void *block)
{
	frees += block != NULL;
}

void *realloc(void *block, size_t bytes)
{
	void *moved = take(bytes);
	size_t old = 0;

	allocations++;
	frees += block != NULL;
	if (block)
		memcpy(&old, (char *)block - sizeof(old), sizeof(old));
	if (moved && block)
		memcpy(moved, block, old < bytes ? old : bytes);
	return moved;
}
