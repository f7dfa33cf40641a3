/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_a_block: a global points into it, not to its start. Valgrind's case 5.
 *
 * reach first: possibly_lost=40/1
 */
#include "scan_point.h"

void *inside;

APART static void first(void)
{
	char *block = calloc(1, 40);

	inside = block + 16;
}

int main(void)
{
	first();
	scan_point();
}
