/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits_itself: it sets a limit, or a child does so before it has allocated anything, and works with it.
 *
 *     limits_itself NOFILE|FSIZE|NPROC|STACK|AS LIMIT program|worker
 *
 * The test is in test_limits.py.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

static int work_within(const char *what, const char *limit)
{
	static const struct {
		const char *name;
		int resource;
	} known[] = {{"NOFILE", RLIMIT_NOFILE},
		     {"FSIZE", RLIMIT_FSIZE},
		     {"NPROC", RLIMIT_NPROC},
		     {"STACK", RLIMIT_STACK},
		     {"AS", RLIMIT_AS}};
	struct rlimit limits = {strtoul(limit, NULL, 10), strtoul(limit, NULL, 10)};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, what) == 0)
			return setrlimit(known[i].resource, &limits) ? 97 : work(21);
	return 98;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 4)
		return 2;
	keep_for_children();
	if (strcmp(argv[3], "program") == 0)
		return work_within(argv[1], argv[2]);
	pid = fork();
	if (pid == 0)
		return work_within(argv[1], argv[2]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WEXITSTATUS(status) == 21 ? 40 : 4;
}
