/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_large_blocks: a block of a MiB has a mapping of its own, and a pointer near its end keeps
 * another block.
 *
 * reach make_large: reachable=1048576/1
 * reach make: reachable=40/1
 */
#include "scan_point.h"

void **large;

APART static void make_large(void)
{
	large = malloc(1 << 20);
}

APART static void make(void)
{
	large[131000] = malloc(40);
}

int main(void)
{
	make_large();
	make();
	scan_point();
}
