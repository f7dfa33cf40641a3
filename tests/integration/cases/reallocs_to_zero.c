/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reallocs_to_zero: in glibc realloc(p, 0) frees p and returns null, but malloc(0), calloc(0, n)
 * and realloc(NULL, 0) give blocks of no bytes.
 *
 * expect: allocations=6 frees=3 live_blocks=3 live_bytes=0
 * valgrind: equal
 */
#include <stdlib.h>

void *volatile blocks[6];

int main(void)
{
	blocks[0] = malloc(100);
	blocks[0] = realloc(blocks[0], 0);
	blocks[1] = malloc(5000);
	blocks[1] = reallocarray(blocks[1], 0, 4);
	blocks[2] = malloc(200000);
	blocks[2] = realloc(blocks[2], 0);
	blocks[3] = malloc(0);
	blocks[4] = realloc(NULL, 0);
	blocks[5] = calloc(0, 8);
	return blocks[0] || blocks[1] || blocks[2];
}
