/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_aligned_blocks: they begin somewhere in what the allocator has taken for them.
 *
 * reach make: reachable=6400/4
 */
#include <malloc.h>

#include "scan_point.h"

void *blocks[4];

APART static void make(void)
{
	blocks[0] = aligned_alloc(64, 640);
	blocks[1] = memalign(4096, 960);
	if (posix_memalign(&blocks[2], 1024, 1600))
		abort();
	blocks[3] = memalign(1 << 16, 3200);
}

int main(void)
{
	make();
	scan_point();
}
