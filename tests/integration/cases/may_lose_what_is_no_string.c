/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_what_is_no_string: the twin of keeps_strings_with_a_head points to the same place of a
 * block in front of which there is no length.
 *
 * reach make: possibly_lost=125/1
 */
#include "scan_point.h"

char *inside;

APART static void make(void)
{
	char *block = calloc(1, 125);

	*(long *)block = 1000;
	inside = block + 24;
}

int main(void)
{
	make();
	scan_point();
}
