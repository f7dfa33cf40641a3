/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_for_every_kind_of_child: waitpid with __WALL and __WCLONE finds the program's own children
 * and nobody else's, and comes to an end.
 *
 * output: __WALL reaps 1, __WCLONE 0
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int reap(int options)
{
	int count = 0;

	while (waitpid(-1, NULL, options) > 0)
		count++;
	return count;
}

int main(void)
{
	int of_any_kind;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	alarm(5); /* somebody else's child may live as long as we do */
	of_any_kind = reap(__WALL);
	printf("__WALL reaps %d, __WCLONE %d\n", of_any_kind, reap(__WCLONE));
	return 0;
}
