/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_zeroed_globals: variables without a value of their own, at both ends of a large table.
 *
 * reach make: reachable=160/4
 */
#include "scan_point.h"

void *plain, *table[100000];

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	static void *of_the_function;

	plain = make();
	table[0] = make();
	table[99999] = make();
	of_the_function = make();
	__asm__ volatile("" : : "r"(&of_the_function) : "memory");
}

int main(void)
{
	keep();
	scan_point();
}
