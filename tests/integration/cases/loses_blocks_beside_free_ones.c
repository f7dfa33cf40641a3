/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_blocks_beside_free_ones: libc has lists of the free memory between blocks, whose entries
 * begin eight bytes before the ends of the blocks before them. They are no pointers of the program.
 *
 * reach make: definitely_lost=200800/100
 */
#include "scan_point.h"

enum { BLOCKS = 200 };

void *blocks[BLOCKS];

APART static void make(int index)
{
	blocks[index] = malloc(2008);
}

int main(void)
{
	for (int i = 0; i < BLOCKS; i++)
		make(i);
	for (int i = 1; i < BLOCKS; i += 2)
		free(blocks[i]);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = NULL;
	scan_point();
}
