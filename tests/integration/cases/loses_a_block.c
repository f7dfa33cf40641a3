/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_block: nothing points to it any more. Valgrind's case 3; keeps_a_block is the twin.
 *
 * reach first: definitely_lost=40/1
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
	head = NULL;
	scan_point();
}
