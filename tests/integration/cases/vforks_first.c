/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vforks_first: a child vforks before it has allocated anything, and what it has vforked execs, limits
 * itself or allocates before that; then the child works.
 *
 *     vforks_first exec|limit|allocate
 *
 * The test is in test_trees.py.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

static void start_another(const char *how)
{
	struct rlimit few = {100, 100};
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		if (strcmp(how, "limit") == 0)
			setrlimit(RLIMIT_NOFILE, &few);
		if (strcmp(how, "allocate") == 0)
			free(keep());
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		_exit(97);
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	keep_for_children();
	pid = fork();
	if (pid == 0) {
		start_another(argv[1]);
		return work(21);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WEXITSTATUS(status) == 21 ? 40 : 4;
}
