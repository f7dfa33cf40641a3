/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_chain: nothing points to the first of two blocks. Valgrind's case 4; keeps_a_chain is the
 * twin.
 *
 * reach first: definitely_lost=40/1
 * reach second: indirectly_lost=24/1
 */
#include "scan_point.h"

void **head;

APART static void first(void)
{
	head = malloc(40);
}

APART static void second(void)
{
	head[0] = malloc(24);
}

int main(void)
{
	first();
	second();
	head = NULL;
	scan_point();
}
