/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_memory_from_sbrk: the program has moved the break itself; what lies there is no block,
 * and keeps one all the same.
 *
 * reach make: reachable=40/1
 */
#include "scan_point.h"

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	void **area = sbrk(4096);

	if (area == (void *)-1)
		abort();
	area = (void **)(((uintptr_t)area + 63) / 64 * 64);
	area[100] = make();
}

int main(void)
{
	keep();
	scan_point();
}
