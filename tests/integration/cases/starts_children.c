/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_children: by fork, vfork, posix_spawn, system, popen and a double fork; each child keeps
 * its own number of blocks and ends with its own status, which is printed.
 *
 *     starts_children           the parent
 *     starts_children child N   keeps N blocks of 100 bytes, exits with status N
 *
 * The test is in test_children.py.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
void *blocks[100];

__attribute__((noinline)) static void keep(int count)
{
	for (int i = 0; i < count; i++)
		blocks[i] = malloc(100);
}

static void show(const char *how, int status)
{
	printf("%s %d\n", how, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	fflush(stdout);
}

static void wait_and_show(const char *how, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		abort();
	show(how, status);
}

int main(int argc, char **argv)
{
	char command[4200];
	pid_t pid;

	if (argc > 2) {
		keep(atoi(argv[2]));
		return atoi(argv[2]);
	}
	keep(50);
	fflush(stdout);

	pid = fork();
	if (pid == 0) {
		keep(11);
		_exit(11);
	}
	wait_and_show("fork", pid);

	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			keep(40); /* the file of a fork comes with its 32nd allocation */
			raise(SIGKILL);
		}
		waitpid(pid, NULL, 0);
		free(malloc(7));
		exit(13);
	}
	wait_and_show("double fork", pid);

	pid = vfork();
	if (pid == 0) {
		execl(argv[0], argv[0], "child", "14", NULL);
		_exit(99);
	}
	wait_and_show("vfork", pid);

	if (posix_spawn(&pid, argv[0], NULL, NULL, (char *[]){argv[0], "child", "15", NULL},
			environ))
		abort();
	wait_and_show("posix_spawn", pid);

	snprintf(command, sizeof(command), "%s child 16", argv[0]);
	show("system", system(command));
	snprintf(command, sizeof(command), "%s child 17", argv[0]);
	show("popen", pclose(popen(command, "r")));

	/* Without an environment the child is not followed, and runs all the same. */
	if (posix_spawn(&pid, argv[0], NULL, NULL, (char *[]){argv[0], "child", "18", NULL},
			(char *[]){NULL}))
		abort();
	wait_and_show("empty environment", pid);
	return 0;
}
