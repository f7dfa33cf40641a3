/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_blocks_with_a_length: allocators of programs, sqlite's among them, note the length in the
 * first word and hand out a pointer behind it.
 *
 * reach make: reachable=108/1
 */
#include "scan_point.h"

uint64_t *inside;

APART static void make(void)
{
	uint64_t *block = malloc(108);

	block[0] = 100;
	inside = block + 1;
}

int main(void)
{
	make();
	scan_point();
}
