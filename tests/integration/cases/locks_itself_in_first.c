/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks_itself_in_first: a worker that a server forks gives up the root folder, its user or its
 * privileges before it has allocated anything; where it writes must be open to it all the same.
 *
 *     locks_itself_in_first chroot FOLDER
 *     locks_itself_in_first setuid|setreuid|setresuid|seteuid UID
 *
 * The test is in test_trees.py.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

static int lock_in(const char *how, const char *with)
{
	uid_t uid = (uid_t)atoi(with);

	if (strcmp(how, "chroot") == 0)
		return chroot(with) || chdir("/");
	if (strcmp(how, "setuid") == 0)
		return setuid(uid);
	if (strcmp(how, "setreuid") == 0)
		return setreuid(uid, uid);
	if (strcmp(how, "setresuid") == 0)
		return setresuid(uid, uid, uid);
	if (strcmp(how, "seteuid") == 0)
		return seteuid(uid);
	return -1;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	keep_for_children();
	pid = fork();
	if (pid == 0)
		return lock_in(argv[1], argv[2]) ? 98 : work(21);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WEXITSTATUS(status) == 21 ? 40 : 4;
}
