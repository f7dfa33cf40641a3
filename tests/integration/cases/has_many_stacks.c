/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_many_stacks: 262144 call paths, more than a file of 1 MiB can name; or 2 to the power of the argument.
 *
 * Tests are in test_hazards.py and test_extremes.py.
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

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : DEPTH;

	for (unsigned long path = 0; path < 1ul << depth; path++)
		descend(path, depth);
	usleep(300000);
	return 0;
}
