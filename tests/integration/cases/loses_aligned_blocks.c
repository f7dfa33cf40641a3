/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_aligned_blocks: the twin of keeps_aligned_blocks forgets them.
 *
 * reach make: definitely_lost=6400/4
 */
#include <malloc.h>
#include <string.h>

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
	memset(blocks, 0, sizeof(blocks));
	scan_point();
}
