/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_block_that_points_to_itself: such a pointer keeps nothing. The second is kept by another.
 *
 * reach make: definitely_lost=40/1
 * reach make_kept: reachable=40/1
 */
#include "scan_point.h"

void **block, *kept;

APART static void make(void)
{
	block = malloc(40);
	block[0] = block;
	block[4] = &block[2];
}

APART static void make_kept(void)
{
	kept = malloc(40);
	*(void **)kept = kept;
}

int main(void)
{
	make();
	make_kept();
	block = NULL;
	scan_point();
}
