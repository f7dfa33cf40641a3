/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_blocks_of_no_bytes: the twin of keeps_blocks_of_no_bytes forgets them, but for the last.
 *
 * reach make: definitely_lost=0/2 reachable=0/1
 */
#include "scan_point.h"

void *block;

APART static void make(void)
{
	block = malloc(0);
}

int main(void)
{
	for (int i = 0; i < 3; i++)
		make();
	scan_point();
}
