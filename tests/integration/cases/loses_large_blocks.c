/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_large_blocks: the twin of keeps_large_blocks forgets it. Its mapping is no memory of
 * somebody else, whose pointers would count.
 *
 * reach make_large: definitely_lost=1048576/1
 * reach make: indirectly_lost=40/1
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
	large = NULL;
	scan_point();
}
