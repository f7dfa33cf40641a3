/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_allocator: a malloc with an arena at the lowest addresses that there can be and one at the highest, which
 * it uses in turn, in a library; no case of its own. Where the kernel has no room there it ends the process.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BYTES (16ul << 20)
#define LOWEST ((char *)0x10000) /* vm.mmap_min_addr */
#define HIGHEST ((char *)0x7fffff000000 - ARENA_BYTES)

static char *const arenas[] = {LOWEST, HIGHEST};
static size_t used[2];
static _Atomic(unsigned) turn;

static void map(int which)
{
	if (mmap(arenas[which], ARENA_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != arenas[which])
		_exit(77);
}

static void *take(size_t alignment, size_t bytes)
{
	int which = (int)(turn++ & 1);
	size_t start;

	if (used[which] == 0)
		map(which);
	start = (used[which] + 16 + alignment - 1) / alignment * alignment;
	if (bytes > ARENA_BYTES || start + bytes > ARENA_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	used[which] = start + bytes;
	memcpy(arenas[which] + start - sizeof(bytes), &bytes, sizeof(bytes));
	return arenas[which] + start;
}

void *malloc(size_t bytes)
{
	return take(16, bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return take(16, count * bytes); /* the arenas are zero and used once */
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

void *memalign(size_t alignment, size_t bytes)
{
	return take(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	*block = take(alignment, bytes);
	return *block ? 0 : ENOMEM;
}
