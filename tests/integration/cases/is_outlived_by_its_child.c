/* SPDX-License-Identifier: Apache-2.0 */
/*
 * is_outlived_by_its_child: it says the pid of its child and ends, or waits to be killed; the child works
 * on when the other end of its pipe is closed, that is when its parent is gone.
 *
 *     is_outlived_by_its_child ends|is_killed
 *
 * The test is in test_trees.py.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counted_work.h"

int main(int argc, char **argv)
{
	int parent_lives[2];
	pid_t pid;
	char byte;

	if (argc < 2 || pipe(parent_lives))
		return 2;
	keep_for_children();
	pid = fork();
	if (pid == 0) {
		close(parent_lives[1]);
		work(21);
		if (read(parent_lives[0], &byte, 1) != 0)
			return 97;
		return work(22);
	}
	printf("%d\n", (int)pid);
	fflush(stdout);
	while (strcmp(argv[1], "is_killed") == 0)
		pause();
	return 40;
}
