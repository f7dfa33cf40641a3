/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_three_blocks: five blocks, two of them freed. The plainest case there is.
 *
 * expect: allocations=5 frees=2 live_blocks=3 live_bytes=96
 * site keep: live_blocks=3 live_bytes=96 allocations=5 frees=2 verdict=unfreed
 * stack keep: keep@innermost < main@caller
 * valgrind: equal
 */
#include <stdlib.h>

void *blocks[5];

__attribute__((noinline)) static void keep(int index, size_t bytes)
{
	blocks[index] = malloc(bytes); /* innermost */
}

int main(void)
{
	for (int i = 0; i < 5; i++)
		keep(i, 16 * (i + 1)); /* caller */
	free(blocks[3]);
	free(blocks[4]);
	return 0;
}
