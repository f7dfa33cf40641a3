/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_chain_of_inner_pointers: a lost block points into another. Valgrind's case 9.
 *
 * reach first: definitely_lost=40/1
 * reach second: indirectly_lost=24/1
 */
#include "scan_point.h"

char **head;

APART static void first(void)
{
	head = calloc(1, 40);
}

APART static void second(void)
{
	head[3] = (char *)calloc(1, 24) + 16;
}

int main(void)
{
	first();
	second();
	head = NULL;
	scan_point();
}
