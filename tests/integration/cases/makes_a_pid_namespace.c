/* SPDX-License-Identifier: Apache-2.0 */
/*
 * makes_a_pid_namespace: what a container runtime does: a child asks for a pid namespace, allocates,
 * and forks; its first child must be number 1 there.
 *
 * The test is in test_hazards.py.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void say_pid(const char *who)
{
	printf("%s is %d\n", who, (int)getpid());
	fflush(stdout);
	_exit(0);
}

static void in_child(void)
{
	void *volatile block;
	pid_t pid;

	if (unshare(CLONE_NEWPID)) {
		puts("no namespace");
		fflush(stdout);
		_exit(0);
	}
	for (int i = 0; i < 3000; i++)
		block = malloc(30);
	(void)block;
	pid = fork();
	if (pid == 0) {
		void *volatile of_init;

		for (int i = 0; i < 3000; i++)
			of_init = malloc(30);
		(void)of_init;
		say_pid("the first");
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		_exit(1);
	_exit(0);
}

int main(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		in_child();
	return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}
