/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_initialised_globals: variables that are not zero when the program starts, static ones
 * and others, lie elsewhere than zeroed ones.
 *
 * reach make: reachable=120/3
 */
#include "scan_point.h"

int nothing;
void *plain = &nothing;
static void *of_the_file = &nothing;
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
	static void *of_the_function = &nothing;

	plain = make();
	of_the_file = make();
	__asm__ volatile("" : : "r"(&of_the_file) : "memory");
	table.blocks[table.count] = of_the_function = make();
	__asm__ volatile("" : : "r"(&of_the_function) : "memory");
}

int main(void)
{
	keep();
	scan_point();
}
