/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_three_blocks: the clean twin of keeps_three_blocks.
 *
 * expect: allocations=5 frees=5 live_blocks=0 live_bytes=0
 * valgrind: equal
 */
#include <stdlib.h>

void *blocks[5];

__attribute__((noinline)) static void keep(int index, size_t bytes)
{
	blocks[index] = malloc(bytes);
}

int main(void)
{
	for (int i = 0; i < 5; i++)
		keep(i, 16 * (i + 1));
	for (int i = 0; i < 5; i++)
		free(blocks[i]);
	free(NULL);
	return 0;
}
