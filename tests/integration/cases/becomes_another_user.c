/* SPDX-License-Identifier: Apache-2.0 */
/*
 * becomes_another_user: from when a process is another user, or has another root, the folder of the
 * files is closed to it; what it starts then has begun no file before.
 *
 *     becomes_another_user setuid UID itself|child|forks
 *     becomes_another_user chroot FOLDER forks
 *
 * It starts itself as a program that works and forks one that does so, too; or it has a child do
 * that; or it only forks. The test is in test_other_users.py.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

static int status_of(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : 97;
}

static int work_and_fork(void)
{
	pid_t pid;

	work(21);
	pid = fork();
	if (pid == 0)
		return work(22);
	return status_of(pid) == 22 ? 21 : 5;
}

static int become(char **argv)
{
	if (strcmp(argv[1], "chroot") == 0 ? chroot(argv[2]) || chdir("/")
					   : setuid((uid_t)atoi(argv[2])))
		return 98;
	if (strcmp(argv[3], "forks") == 0)
		return 0;
	execl(argv[0], argv[0], NULL);
	return 99;
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc < 4)
		return work_and_fork();
	keep_for_children();
	if (strcmp(argv[3], "itself") == 0)
		return become(argv);
	if (strcmp(argv[3], "forks") == 0 && become(argv))
		return 96;
	pid = fork();
	if (pid == 0)
		return strcmp(argv[3], "forks") == 0 ? work(21) : become(argv);
	return status_of(pid) == 21 ? 40 : 4;
}
