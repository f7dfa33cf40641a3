/* SPDX-License-Identifier: Apache-2.0 */
/*
 * is_first_in_two_namespaces: two children at once, each with the pid 1, as two containers that share a
 * folder; each has a child of its own, whose pid is the same in both, too. The kernel ends whom such a first
 * process leaves behind, so it waits.
 *
 * The test is in test_trees.py.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

#define NAMESPACES 2

static int has_own_proc(void)
{
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("proc", "/proc", "proc", 0, NULL);
}

static int be_first(int number, int others_are_there)
{
	int status;
	char byte;
	pid_t pid;

	if (getpid() != 1)
		return 99;
	if (!has_own_proc())
		return 5;
	work(20 + number);
	pid = fork();
	if (pid == 0)
		_exit(work(30 + number));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 30 + number)
		return 98;
	return read(others_are_there, &byte, 1) == 0 ? 20 + number : 97;
}

int main(void)
{
	int others_are_there[2], status;

	if (pipe(others_are_there))
		return 2;
	keep_for_children();
	for (int i = 0; i < NAMESPACES; i++) {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL,
					   NULL, NULL, NULL);

		if (pid == 0) {
			close(others_are_there[1]);
			return be_first(i, others_are_there[0]);
		}
		if (pid < 0)
			return 3;
	}
	close(others_are_there[1]);
	for (int i = 0; i < NAMESPACES; i++) {
		if (wait(&status) < 0 || WEXITSTATUS(status) < 20 || WEXITSTATUS(status) > 21)
			return 4;
	}
	return 40;
}
