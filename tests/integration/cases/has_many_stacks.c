/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_many_stacks: 262144 call paths, more than a file of 1 MiB can name.
 *
 * The test is in test_hazards.py.
 */
#include <stdlib.h>
#include <unistd.h>

#define DEPTH 18

void *volatile last;

/* Two call sites at each level, so a number's bits are a path. */
__attribute__((noinline)) static void descend(unsigned long path, int depth)
{
	void *volatile block;

	if (depth == 0) {
		last = malloc(16);
		return;
	}
	if (path & 1)
		descend(path >> 1, depth - 1);
	else
		descend(path >> 1, depth - 1);
	block = NULL; /* so that neither call is a jump */
	(void)block;
}

int main(void)
{
	for (unsigned long path = 0; path < 1ul << DEPTH; path++)
		descend(path, DEPTH);
	usleep(300000);
	return 0;
}
