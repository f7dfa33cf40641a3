/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_by_the_last_word_of_a_block: pointers at the very end of blocks, also where the allocator
 * gives not a byte more than that.
 *
 * reach make_holder: reachable=5080/4
 * reach make: reachable=160/4
 */
#include "scan_point.h"

char *holders[4];

APART static void make_holder(int index, size_t bytes)
{
	holders[index] = calloc(1, bytes);
}

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(int index, size_t bytes)
{
	*(void **)(holders[index] + bytes - sizeof(void *)) = make();
}

int main(void)
{
	static const size_t sizes[] = {8, 40, 1032, 4000};

	for (int i = 0; i < 4; i++) {
		make_holder(i, sizes[i]);
		keep(i, sizes[i]);
	}
	scan_point();
}
