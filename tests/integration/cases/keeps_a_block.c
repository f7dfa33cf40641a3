/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_block: a global points to its start. Valgrind's case 1; loses_a_block is the twin.
 *
 * reach first: reachable=40/1
 */
#include "scan_point.h"

void **head;

APART static void first(void)
{
	head = malloc(40);
}

int main(void)
{
	first();
	scan_point();
}
