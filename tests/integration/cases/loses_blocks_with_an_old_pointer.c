/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_blocks_with_an_old_pointer: it asked for 12 bytes, and glibc gives 24 that were used before.
 * What lies behind the 12 is none of the block's: it does not hold what is lost for itself.
 *
 * reach make_block: definitely_lost=12/1
 * reach make_other: definitely_lost=40/1
 */
#include "scan_point.h"

void **volatile first;
void *volatile other;
char *volatile block;

APART static void make_other(void)
{
	other = malloc(40);
}

APART static void make_first(void)
{
	first = malloc(24);
	((void *volatile *)first)[2] = other;
	free(first);
}

APART static void make_block(void)
{
	block = malloc(12);
	block[11] = 1;
}

int main(void)
{
	make_other();
	make_first();
	make_block();
	first = NULL;
	other = NULL;
	block = NULL;
	scan_point();
}
