/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_by_a_pointer_to_the_last_byte: the twin of loses_by_a_pointer_past_the_end stops one
 * byte before.
 *
 * reach make: possibly_lost=105/3
 */
#include "scan_point.h"

void *ends[3];

APART static void make(int index, size_t bytes)
{
	ends[index] = (char *)calloc(1, bytes) + bytes - 1;
}

int main(void)
{
	make(0, 40);
	make(1, 32);
	make(2, 33);
	scan_point();
}
