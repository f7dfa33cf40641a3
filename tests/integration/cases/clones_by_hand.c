/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clones_by_hand: children by every system call that makes one, past libc's fork: each of them has a
 * file of its own where it has memory of its own, and works in its parent's otherwise.
 *
 *     clones_by_hand WAY
 *
 * The test is in test_trees.py.
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

static char stack[65536] __attribute__((aligned(16)));

static int work_in_child(void *count)
{
	_exit(work((int)(intptr_t)count));
}

static int exec_in_child(void *program)
{
	execl(program, program, "exec", NULL);
	_exit(99);
}

static pid_t make_child(const char *way, char *program)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	char *stack_end = stack + sizeof(stack);
	pid_t pid = -1;

	if (strcmp(way, "SYS_fork") == 0)
		pid = (pid_t)syscall(SYS_fork);
	else if (strcmp(way, "SYS_clone") == 0)
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	else if (strcmp(way, "SYS_clone3") == 0)
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	else if (strcmp(way, "clone") == 0)
		return clone(work_in_child, stack_end, SIGCHLD, (void *)(intptr_t)21);
	else if (strcmp(way, "CLONE_VM") == 0)
		return clone(work_in_child, stack_end, CLONE_VM | SIGCHLD, (void *)(intptr_t)21);
	else if (strcmp(way, "CLONE_VFORK") == 0)
		return clone(work_in_child, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD,
			     (void *)(intptr_t)21);
	else if (strcmp(way, "CLONE_VFORK_exec") == 0)
		return clone(exec_in_child, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, program);
	if (pid == 0)
		_exit(work(21));
	return pid;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "exec") == 0)
		return work(21);
	keep_for_children();
	pid = make_child(argv[1], argv[0]);
	if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
		return 3;
	printf("%d\n", WEXITSTATUS(status));
	return 40;
}
