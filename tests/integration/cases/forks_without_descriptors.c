/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_without_descriptors: a child is made where there may be two or three descriptors and none is
 * in use; it works, and works again after a while.
 *
 *     forks_without_descriptors LIMIT
 *
 * The test is in test_limits.py.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

int main(int argc, char **argv)
{
	struct rlimit limits;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	limits.rlim_cur = limits.rlim_max = strtoul(argv[1], NULL, 10);
	keep_for_children();
	if (setrlimit(RLIMIT_NOFILE, &limits))
		return 97;
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	pid = fork();
	if (pid == 0) {
		work(21);
		/* Time for a helper to take it for gone. */
		usleep(300000);
		return work(22);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WEXITSTATUS(status) == 22 ? 40 : 4;
}
