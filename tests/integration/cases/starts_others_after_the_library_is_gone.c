/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_others_after_the_library_is_gone: as one that has changed its root does.
 *
 *     starts_others_after_the_library_is_gone LIBRARY WAY
 *
 * It removes LIBRARY and becomes printenv, by the function WAY; with "vfork" a child does. The test is in
 * test_transparency.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define PROGRAM "/usr/bin/printenv"
#define WORDS "printenv", "LD_PRELOAD"

static void become_printenv(const char *way)
{
	char *arguments[] = {WORDS, NULL};

	if (strcmp(way, "execl") == 0)
		execl(PROGRAM, WORDS, NULL);
	else if (strcmp(way, "execlp") == 0)
		execlp("printenv", WORDS, NULL);
	else if (strcmp(way, "execle") == 0)
		execle(PROGRAM, WORDS, NULL, environ);
	else if (strcmp(way, "execv") == 0)
		execv(PROGRAM, arguments);
	else if (strcmp(way, "execvp") == 0)
		execvp("printenv", arguments);
	else if (strcmp(way, "execvpe") == 0)
		execvpe("printenv", arguments, environ);
	else if (strcmp(way, "fexecve") == 0)
		fexecve(open(PROGRAM, O_RDONLY | O_CLOEXEC), arguments, environ);
	else if (strcmp(way, "execveat") == 0)
		execveat(AT_FDCWD, PROGRAM, arguments, environ, 0);
	else
		execve(PROGRAM, arguments, environ);
	_exit(99);
}

int main(int argc, char **argv)
{
	int status = 98;

	if (argc != 3 || unlink(argv[1]) != 0)
		return 97;
	if (strcmp(argv[2], "vfork") != 0)
		become_printenv(argv[2]);
	if (vfork() == 0)
		become_printenv(argv[2]);
	wait(&status);
	return WEXITSTATUS(status);
}
