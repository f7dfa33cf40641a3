/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shows_its_process: prints everything about its own process that a preloaded library might
 * change and that must be the same with and without it. The test is in test_transparency.py.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int count_of(const char *path)
{
	DIR *folder = opendir(path);
	int count =
		-3; /* ".", ".." and this folder itself where path is fd; tasks print one more */

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void show_descriptors(void)
{
	char path[64], target[256];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t bytes;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		bytes = readlink(path, target, sizeof(target) - 1);
		if (bytes < 0)
			continue;
		target[bytes] = 0;
		printf("fd %d %.5s %d\n", fd, target, fcntl(fd, F_GETFD));
	}
	printf("next fd %d\n", dup(0));
}

static void show_signals(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action))
			continue;
		if (action.sa_handler != SIG_DFL || sigismember(&mask, number))
			printf("signal %d ignored %d handled %d blocked %d\n", number,
			       action.sa_handler == SIG_IGN,
			       action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL,
			       sigismember(&mask, number));
	}
}

static void show_environment(void)
{
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, "LD_PRELOAD=", 11) && strncmp(*variable, "SEEP_", 5))
			puts(*variable);
}

static void show_children(void)
{
	int status, result;

	result = waitpid(-1, &status, WNOHANG);
	printf("waitpid %d %s\n", result, result < 0 ? strerror(errno) : "");
	result = waitpid(-1, &status, __WALL | WNOHANG);
	printf("waitpid __WALL %d %s\n", result, result < 0 ? strerror(errno) : "");
	result = waitpid(-1, &status, __WCLONE | WNOHANG);
	printf("waitpid __WCLONE %d %s\n", result, result < 0 ? strerror(errno) : "");
	fflush(stdout);
	if (fork() == 0)
		_exit(9);
	result = wait(&status);
	printf("own child %d %d\n", result > 0, WEXITSTATUS(status));
	printf("wait %d %s\n", wait(&status), strerror(errno));
}

static void show_namespaces(void)
{
	/* Works only in a process with one thread. */
	int result = unshare(CLONE_NEWUSER);

	printf("unshare %d %s\n", result, result ? strerror(errno) : "");
}

int main(void)
{
	struct rlimit limit;

	errno = 0;
	free(malloc(100));
	printf("errno %d\n", errno);
	show_descriptors();
	printf("tasks %d\n", count_of("/proc/self/task") + 1);
	show_signals();
	show_environment();
	show_children();
	getrlimit(RLIMIT_NOFILE, &limit);
	printf("files %lu\n", (unsigned long)limit.rlim_cur);
	printf("dumpable %d no_new_privs %d subreaper %d\n", prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	       prctl(PR_GET_CHILD_SUBREAPER, &(int){0}, 0, 0, 0));
	printf("priority %d umask %o\n", getpriority(PRIO_PROCESS, 0), umask(022));
	show_namespaces();
	return 42;
}
