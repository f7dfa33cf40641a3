/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_what_is_no_array: a pointer to the second word of a block, as to an array with a cookie;
 * but the first word is no length that could be.
 *
 * reach make: possibly_lost=88/1
 */
#include "scan_point.h"

long *inside;

APART static void make(void)
{
	long *block = calloc(1, 88);

	block[0] = 7;
	inside = block + 1;
}

int main(void)
{
	make();
	scan_point();
}
