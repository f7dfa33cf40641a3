/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_two_heads_of_one_tail: two lost blocks point to a third, which is counted once.
 *
 * reach make_head: definitely_lost=80/2
 * reach make_tail: indirectly_lost=24/1
 */
#include "scan_point.h"

void **heads[2];

APART static void make_head(int index)
{
	heads[index] = malloc(40);
}

APART static void make_tail(void)
{
	heads[0][0] = heads[1][4] = malloc(24);
}

int main(void)
{
	make_head(0);
	make_head(1);
	make_tail();
	heads[0] = heads[1] = NULL;
	scan_point();
}
