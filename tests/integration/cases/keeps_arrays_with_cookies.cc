/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_arrays_with_cookies: new[] of what has a destructor notes the length first, and gives a
 * pointer behind that. It is the only one there is.
 *
 * reach make: reachable=88/1
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
	scan_point();
}
