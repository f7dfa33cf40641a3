/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_a_large_block: a pointer to its middle, half a MiB from its start.
 *
 * reach make: possibly_lost=1048576/1
 */
#include "scan_point.h"

char *middle;

APART static void make(void)
{
	middle = (char *)malloc(1 << 20) + (1 << 19);
}

int main(void)
{
	make();
	scan_point();
}
