/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_with_many_blocks: a child frees half of what it has inherited and leaks something of its own;
 * then the parent, which still has everything, frees it. The test is in test_sampling.py.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 20000
#define LEAKS 10000

static void *blocks[BLOCKS];

__attribute__((noinline)) static void allocate(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(400);
}

__attribute__((noinline)) static void leak_in_child(void)
{
	static void *volatile leaked;

	for (int i = 0; i < LEAKS; i++)
		leaked = malloc(800);
	(void)leaked;
}

int main(void)
{
	allocate();
	if (fork() == 0) {
		for (int i = 0; i < BLOCKS; i += 2)
			free(blocks[i]);
		leak_in_child();
		exit(0);
	}
	wait(NULL);
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	return 0;
}
