/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_list_of_a_library: a shared library has a static list, and that has ten values.
 *
 * library: library_with_a_list.c
 * reach make: reachable=400/10
 * reach library_add: reachable=160/10
 */
#include "scan_point.h"

void library_add(void *value);

APART static void *make(void)
{
	return malloc(40);
}

APART static void fill(void)
{
	for (int i = 0; i < 10; i++)
		library_add(make());
}

int main(void)
{
	fill();
	scan_point();
}
