/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_blocks_of_no_bytes: malloc(0) gives a block, too, and its start is all there is of it.
 *
 * reach make: reachable=0/3
 */
#include "scan_point.h"

void *blocks[3];

APART static void make(int index)
{
	blocks[index] = malloc(0);
}

int main(void)
{
	for (int i = 0; i < 3; i++)
		make(i);
	scan_point();
}
