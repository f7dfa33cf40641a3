/* SPDX-License-Identifier: Apache-2.0 */
/*
 * goes_elsewhere_at_once: to another folder, before it has allocated anything; so does its child.
 *
 *     goes_elsewhere_at_once FOLDER FOLDER_OF_CHILD
 *
 * The test is in test_trees.py.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3 || chdir(argv[1]))
		return 2;
	keep_for_children();
	pid = fork();
	if (pid == 0)
		return chdir(argv[2]) ? 98 : work(21);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WEXITSTATUS(status) == 21 ? 40 : 4;
}
