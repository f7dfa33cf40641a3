/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_processes: a test suite of COUNT programs, so many AT_ONCE.
 *
 *     starts_processes COUNT AT_ONCE PROGRAM
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

static int end_one(void)
{
	int status;

	return wait(&status) > 0 && status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	int failures = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: starts_processes COUNT AT_ONCE PROGRAM\n");
		return 2;
	}
	for (int i = 0, count = atoi(argv[1]), at_once = atoi(argv[2]); i < count + at_once; i++) {
		char *words[] = {argv[3], NULL};
		pid_t pid;

		if (i >= at_once)
			failures += end_one();
		if (i < count && posix_spawn(&pid, argv[3], NULL, NULL, words, environ) != 0)
			return 1;
	}
	return failures ? 1 : 0;
}
