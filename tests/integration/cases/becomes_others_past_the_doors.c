/* SPDX-License-Identifier: Apache-2.0 */
/*
 * becomes_others_past_the_doors: by the system call alone, of which nobody hears before, and what it
 * has become ends soon.
 *
 *     becomes_others_past_the_doors           itself, which is followed
 *     becomes_others_past_the_doors fork      a child of it becomes one that is not
 *
 * The test is in test_trees.py.
 */
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

extern char **environ;

static int become(char *program, char *argument, char **environment)
{
	char *arguments[] = {program, argument, NULL};

	syscall(SYS_execve, program, arguments, environment);
	return 99;
}

int main(int argc, char **argv)
{
	char *nothing[] = {NULL};
	int status;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "last") == 0) {
		work(22);
		/* Long before anybody looks by himself. */
		usleep(20000);
		return 22;
	}
	if (argc < 2) {
		work(21);
		return become(argv[0], "last", environ);
	}
	keep_for_children();
	pid = fork();
	if (pid == 0) {
		work(21);
		return become("/bin/true", NULL, nothing);
	}
	/* Whose child it was can be asked until somebody has waited for it. */
	usleep(200000);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 40 : 4;
}
