/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_chain: a global points to one block, and that to another. Valgrind's case 2.
 *
 * reach first: reachable=40/1
 * reach second: reachable=24/1
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
	scan_point();
}
