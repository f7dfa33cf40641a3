/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_a_chain: a global points into the first of two blocks. Valgrind's case 7.
 *
 * reach first: possibly_lost=40/1
 * reach second: possibly_lost=24/1
 */
#include "scan_point.h"

void **inside;

APART static void first(void)
{
	inside = (void **)calloc(1, 40) + 2;
}

APART static void second(void)
{
	inside[0] = calloc(1, 24);
}

int main(void)
{
	first();
	second();
	scan_point();
}
