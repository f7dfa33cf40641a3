/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_the_last_block_of_the_heap: libc knows where the free memory above it begins, and in glibc
 * that is eight bytes before the end of such a block. It is no pointer of the program.
 *
 * reach make: definitely_lost=24/1
 */
#include "scan_point.h"

void *block;

APART static void make(void)
{
	block = malloc(24);
}

int main(void)
{
	make();
	block = NULL;
	scan_point();
}
