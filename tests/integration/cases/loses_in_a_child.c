/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_a_child: a forked child forgets a block that its parent keeps, and ten of its own. What
 * is lost in the child is for test_scan to ask.
 *
 * reach keep: reachable=40/1
 */
#include <sys/wait.h>

#include "scan_point.h"

void *kept;

APART static void keep(void)
{
	kept = malloc(40);
}

APART static void lose(void)
{
	kept = malloc(24);
}

APART static void live_in_child(void)
{
	for (int i = 0; i < 11; i++)
		lose();
	wipe_traces();
	exit(0);
}

APART static void have_a_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		live_in_child();
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		abort();
}

int main(void)
{
	keep();
	have_a_child();
	scan_point();
}
