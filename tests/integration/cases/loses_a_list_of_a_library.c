/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_list_of_a_library: the twin of keeps_in_list_of_a_library has the library forget its
 * list.
 *
 * library: library_with_a_list.c
 * reach make: indirectly_lost=400/10
 * reach library_add: definitely_lost=16/1 indirectly_lost=144/9
 */
#include "scan_point.h"

void library_add(void *value);
void library_forget(void);

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
	library_forget();
	scan_point();
}
