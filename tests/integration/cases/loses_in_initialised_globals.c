/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_initialised_globals: the clean twin keeps_in_initialised_globals keeps its blocks; here
 * others take their places.
 *
 * reach make: definitely_lost=80/2 reachable=80/2
 */
#include "scan_point.h"

int nothing;
void *plain = &nothing;
struct {
	long count;
	void *blocks[4];
} table = {.count = 1};

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	plain = make();
	table.blocks[table.count] = make();
}

int main(void)
{
	keep();
	keep();
	scan_point();
}
