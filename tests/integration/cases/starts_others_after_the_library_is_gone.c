/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_others_after_the_library_is_gone: as one that has changed its root does.
 *
 *     starts_others_after_the_library_is_gone LIBRARY WAY
 *
 * It removes LIBRARY and becomes printenv, by the function WAY, or starts it by that; with "vfork" a child
 * does. The test is in test_transparency.py.
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
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

static int status_of(pid_t pid)
{
	int status = 95 << 8;

	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* More than the stack of its thread has room for. */
static char *large_environment[8000];

static void *start_in_thread(void *status)
{
	char *arguments[] = {WORDS, NULL};
	pid_t pid;

	*(int *)status = posix_spawn(&pid, PROGRAM, NULL, NULL, arguments, large_environment)
				 ? 96
				 : status_of(pid);
	return NULL;
}

static int start_in_small_thread(void)
{
	size_t last = sizeof(large_environment) / sizeof(large_environment[0]) - 1;
	pthread_attr_t attributes;
	pthread_t thread;
	int status = 93;

	for (size_t i = 0; i < last; i++)
		large_environment[i] = *environ ? *environ++ : "SOME=VALUE";
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 32 << 10);
	if (pthread_create(&thread, &attributes, start_in_thread, &status) == 0)
		pthread_join(thread, NULL);
	return status;
}

/* -1: by none of these. */
static int start_printenv(const char *way)
{
	char *arguments[] = {WORDS, NULL};
	char line[4096];
	FILE *output;
	pid_t pid;

	if (strcmp(way, "posix_spawn") == 0)
		return posix_spawn(&pid, PROGRAM, NULL, NULL, arguments, environ) ? 96
										  : status_of(pid);
	if (strcmp(way, "posix_spawn in a small thread") == 0)
		return start_in_small_thread();
	if (strcmp(way, "posix_spawnp") == 0)
		return posix_spawnp(&pid, "printenv", NULL, NULL, arguments, environ)
			       ? 96
			       : status_of(pid);
	if (strcmp(way, "system") == 0)
		return WEXITSTATUS(system(PROGRAM " LD_PRELOAD"));
	if (strcmp(way, "popen") == 0) {
		output = popen(PROGRAM " LD_PRELOAD", "r");
		if (output == NULL || fgets(line, sizeof(line), output) == NULL)
			return 94;
		fputs(line, stdout);
		return WEXITSTATUS(pclose(output));
	}
	return -1;
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3 || unlink(argv[1]) != 0)
		return 97;
	status = start_printenv(argv[2]);
	if (status >= 0)
		return status;
	if (strcmp(argv[2], "vfork") != 0)
		become_printenv(argv[2]);
	if (vfork() == 0)
		become_printenv(argv[2]);
	wait(&status);
	return WEXITSTATUS(status);
}
