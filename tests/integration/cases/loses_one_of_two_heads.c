/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_one_of_two_heads: the twin of loses_two_heads_of_one_tail keeps one, and so the tail.
 *
 * reach make_head: definitely_lost=40/1 reachable=40/1
 * reach make_tail: reachable=24/1
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
	heads[1] = NULL;
	scan_point();
}
