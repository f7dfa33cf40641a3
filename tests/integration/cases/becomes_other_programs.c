/* SPDX-License-Identifier: Apache-2.0 */
/*
 * becomes_other_programs: by each of the functions that do it, one after the other, after it has failed
 * to become one that is not there; a part of it for each, and all with one pid.
 *
 *     becomes_other_programs [STEP]
 *
 * The test is in test_trees.py.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counted_work.h"

extern char **environ;

#define STEPS 10

static void fail_to_exec(void)
{
	const char *nothing = "/nowhere/at/all";
	char *arguments[] = {"nothing", NULL};

	errno = 0;
	if (execl(nothing, "nothing", NULL) != -1 || errno != ENOENT ||
	    execv(nothing, arguments) != -1 || execlp("no-such-program", "nothing", NULL) != -1 ||
	    errno != ENOENT || execle(nothing, "nothing", NULL, environ) != -1 ||
	    execve("/", arguments, environ) != -1 || errno != EACCES ||
	    fexecve(-1, arguments, environ) != -1 ||
	    execveat(AT_FDCWD, nothing, arguments, environ, 0) != -1 || errno != ENOENT)
		_exit(98);
}

static void become(char *program, int step)
{
	char number[16];
	char *arguments[] = {program, number, NULL};
	int fd = open(program, O_RDONLY | O_CLOEXEC);

	snprintf(number, sizeof(number), "%d", step + 1);
	switch (step) {
	case 0:
		execl(program, program, number, NULL);
		break;
	case 1:
		execlp(program, program, number, NULL);
		break;
	case 2:
		execle(program, program, number, NULL, environ);
		break;
	case 3:
		execv(program, arguments);
		break;
	case 4:
		execvp(program, arguments);
		break;
	case 5:
		execvpe(program, arguments, environ);
		break;
	case 6:
		execve(program, arguments, environ);
		break;
	case 7:
		fexecve(fd, arguments, environ);
		break;
	case 8:
		execveat(AT_FDCWD, program, arguments, environ, 0);
		break;
	default:
		execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
	}
	_exit(99);
}

int main(int argc, char **argv)
{
	int step = argc > 1 ? atoi(argv[1]) : 0;

	work(20 + step);
	fail_to_exec();
	if (step == STEPS)
		return 20 + step;
	become(argv[0], step);
}
