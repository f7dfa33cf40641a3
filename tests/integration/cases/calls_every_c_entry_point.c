/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_every_c_entry_point: one function of this program for each, so that each has its site
 * with known counts. cfree and the C23 functions are asked for by name: not every libc has them.
 *
 * build: -O0
 * site by_malloc: live_blocks=1 live_bytes=101 allocations=2 frees=1
 * site by_calloc: live_blocks=1 live_bytes=102 allocations=2 frees=1
 * site by_realloc: live_blocks=1 live_bytes=103 allocations=2 frees=1
 * site by_reallocarray: live_blocks=1 live_bytes=104 allocations=2 frees=1
 * site by_memalign: live_blocks=1 live_bytes=105 allocations=2 frees=1
 * site by_aligned_alloc: live_blocks=1 live_bytes=128 allocations=2 frees=1
 * site by_posix_memalign: live_blocks=1 live_bytes=107 allocations=2 frees=1
 * site by_valloc: live_blocks=1 live_bytes=108 allocations=2 frees=1
 * site by_pvalloc: live_blocks=1 allocations=2 frees=1
 * expect: allocations=21 frees=12 live_blocks=9
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#define ENTRY __attribute__((noinline)) static void *

void *volatile blocks[16];

ENTRY by_malloc(void)
{
	return malloc(101);
}

ENTRY by_calloc(void)
{
	return calloc(2, 51);
}

ENTRY by_realloc(void)
{
	return realloc(NULL, 103);
}

ENTRY by_reallocarray(void)
{
	return reallocarray(NULL, 8, 13);
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

ENTRY by_pvalloc(void)
{
	return pvalloc(109);
}

ENTRY for_the_other_frees(void)
{
	return aligned_alloc(64, 192);
}

static void *find(const char *name)
{
	void *function = dlsym(RTLD_DEFAULT, name);

	return function ? function : dlsym(RTLD_DEFAULT, "free");
}

int main(void)
{
	void *(*entries[])(void) = {by_malloc,	       by_calloc,   by_realloc,
				    by_reallocarray,   by_memalign, by_aligned_alloc,
				    by_posix_memalign, by_valloc,   by_pvalloc};
	void (*free_sized)(void *, size_t) = find("free_sized");
	void (*free_aligned_sized)(void *, size_t, size_t) = find("free_aligned_sized");
	void (*cfree)(void *) = find("cfree");

	for (int i = 0; i < 18; i++) {
		free(blocks[i / 2]);
		blocks[i / 2] = entries[i / 2](); /* one place, so one site for each */
		if (!blocks[i / 2])
			abort();
	}
	free_sized(for_the_other_frees(), 192);
	free_aligned_sized(for_the_other_frees(), 64, 192);
	cfree(for_the_other_frees());
	return 0;
}
