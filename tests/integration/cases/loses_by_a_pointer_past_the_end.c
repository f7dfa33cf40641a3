/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_by_a_pointer_past_the_end: such a one points to nothing of the block, also where the
 * allocator has given more than was asked for.
 *
 * reach make: definitely_lost=104/3
 */
#include "scan_point.h"

void *ends[3];

APART static void make(int index, size_t bytes)
{
	ends[index] = (char *)malloc(bytes) + bytes;
}

int main(void)
{
	make(0, 40);
	make(1, 32);
	make(2, 32);
	scan_point();
}
