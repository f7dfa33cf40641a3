/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_the_end_of_a_chain: what is kept points into another block. Valgrind's case 6.
 *
 * reach first: reachable=40/1
 * reach second: possibly_lost=24/1
 */
#include "scan_point.h"

char **head;

APART static void first(void)
{
	head = calloc(1, 40);
}

APART static void second(void)
{
	head[2] = (char *)calloc(1, 24) + 8;
}

int main(void)
{
	first();
	second();
	scan_point();
}
