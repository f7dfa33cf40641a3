/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_arrays_with_cookies: the twin of keeps_arrays_with_cookies forgets its array.
 *
 * reach make: definitely_lost=88/1
 */
#include "scan_point.h"

struct item {
	long first = 1, second = 2;
	~item()
	{
		first = second = 0;
	}
};

item *items;

APART static void make()
{
	items = new item[5];
}

int main()
{
	make();
	items = nullptr;
	scan_point();
}
