/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_every_link_of_a_chain: a global points into a block, and that into another. Valgrind's
 * case 8.
 *
 * reach first: possibly_lost=40/1
 * reach second: possibly_lost=24/1
 */
#include "scan_point.h"

char **inside;

APART static void first(void)
{
	inside = (char **)calloc(1, 40) + 2;
}

APART static void second(void)
{
	inside[0] = (char *)calloc(1, 24) + 8;
}

int main(void)
{
	first();
	second();
	scan_point();
}
