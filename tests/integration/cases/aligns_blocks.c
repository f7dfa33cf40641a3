/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aligns_blocks: the aligned family, each with alignments from 16 to 1 MiB; and the C library's
 * answers to bad arguments are passed on.
 *
 * expect: allocations=55 frees=53 live_blocks=2 live_bytes=1500
 * valgrind: equal
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

static void *check(void *block, size_t alignment)
{
	if (!block || (uintptr_t)block % alignment)
		abort();
	return block;
}

int main(void)
{
	for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 2) {
		void *block;

		free(check(memalign(alignment, 100), alignment));
		free(check(aligned_alloc(alignment, alignment), alignment));
		if (posix_memalign(&block, alignment, 300))
			abort();
		free(check(block, alignment));
	}
	if (posix_memalign(&(void *){0}, 24, 10) != EINVAL)
		abort();
	free(check(realloc(check(memalign(4096, 10), 4096), 100000), 16));
	check(valloc(500), 4096);
	check(memalign(64, 1000), 64);
	return 0;
}
