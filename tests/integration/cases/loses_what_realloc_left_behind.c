/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_what_realloc_left_behind: a buffer that has moved; a pointer to where it was keeps nothing,
 * and what lies in it is kept by the new one.
 *
 * reach grow: definitely_lost=100000/1 reachable=100000/1
 * reach make: indirectly_lost=40/1 reachable=40/1
 */
#include "scan_point.h"

void **buffer, *old;

APART static void make(int index)
{
	buffer[index] = malloc(40);
}

APART static void grow(size_t bytes)
{
	old = buffer;
	buffer = realloc(buffer, bytes);
}

APART static void fill(void)
{
	buffer = NULL;
	grow(80);
	make(9);
	grow(100000);
}

int main(void)
{
	fill();
	fill();
	scan_point();
}
