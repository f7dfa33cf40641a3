/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_blocks_of_another_allocator: blocks that were never seen being allocated (taken from
 * __libc_malloc behind the library's back) are freed, reallocated and measured as before. Their
 * frees are no frees of ours.
 *
 * build: -O0
 * expect: allocations=2 frees=1 live_blocks=1 live_bytes=500
 * site adopt: live_blocks=1 live_bytes=500
 * file: unknown_frees=3
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_memalign(size_t, size_t);

void *kept;

__attribute__((noinline)) static void adopt(void)
{
	kept = realloc(__libc_malloc(100), 500);
}

int main(void)
{
	void *block = __libc_malloc(1000);

	memset(block, 1, malloc_usable_size(block));
	free(block);
	free(__libc_memalign(4096, 77));
	adopt();
	free(malloc(5));
	return 0;
}
