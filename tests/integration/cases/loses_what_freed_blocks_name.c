/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_what_freed_blocks_name: in memory that has been freed the old pointers still lie about, in
 * small blocks, in large ones and in a place that has become a smaller block.
 *
 * reach make: definitely_lost=160/4
 * reach make_smaller: reachable=40/1
 */
#include <string.h>

#include "scan_point.h"

void **holders[4], *smaller;

APART static void *make(void)
{
	return malloc(40);
}

APART static void make_holder(int index, size_t bytes)
{
	holders[index] = calloc(1, bytes);
	holders[index][9] = make();
}

/* Where one of them was; cleared, for what libc leaves there points in front of it. */
APART static void make_smaller(void)
{
	smaller = calloc(1, 40);
}

int main(void)
{
	make_holder(0, 100);
	make_holder(1, 5000);
	make_holder(2, 50000);
	make_holder(3, 2000);
	for (int i = 0; i < 4; i++)
		free(holders[i]);
	make_smaller();
	memset(holders, 0, sizeof(holders));
	scan_point();
}
