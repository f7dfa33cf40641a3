/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends_in_many_ways: keeps a hundred blocks of 10 bytes and ends as its argument says.
 * The test is in test_ends.py.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void *blocks[100];
int *volatile not_there = (int *)16;

__attribute__((noinline)) static void *keep(void)
{
	return malloc(10);
}

static void *exit_in_thread(void *unused)
{
	(void)unused;
	exit(7);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "return";

	for (int i = 0; i < 100; i++)
		blocks[i] = keep();
	if (!strcmp(how, "exit"))
		exit(3);
	else if (!strcmp(how, "_exit"))
		_exit(4);
	else if (!strcmp(how, "_Exit"))
		_Exit(4);
	else if (!strcmp(how, "quick_exit"))
		quick_exit(5);
	else if (!strcmp(how, "exit_group"))
		syscall(SYS_exit_group, 6);
	else if (!strcmp(how, "abort"))
		abort();
	else if (!strcmp(how, "SIGSEGV"))
		*not_there = 1;
	else if (!strcmp(how, "SIGKILL"))
		kill(getpid(), SIGKILL);
	else if (!strcmp(how, "SIGTERM"))
		kill(getpid(), SIGTERM);
	else if (!strcmp(how, "exec"))
		execv(argv[2], argv + 2);
	else if (!strcmp(how, "thread")) {
		pthread_t thread;

		pthread_create(&thread, NULL, exit_in_thread, NULL);
		for (;;)
			pause();
	}
	return 2;
}
