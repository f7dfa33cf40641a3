/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_zeroed_globals: the twin of keeps_in_zeroed_globals clears its table.
 *
 * reach make: definitely_lost=80/2 reachable=40/1
 */
#include <string.h>

#include "scan_point.h"

void *plain, *table[100000];

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	plain = make();
	table[0] = make();
	table[99999] = make();
}

int main(void)
{
	keep();
	memset(table, 0, sizeof(table));
	scan_point();
}
