/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_who_must_not_sleep: as a daemon does that has run for a while without the library: a program of another
 * user with it, for which to sleep is the end.
 *
 *     starts_who_must_not_sleep USER LIBRARY SETTINGS PROGRAM
 *
 * The test is in test_other_users.py.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int end_who_sleeps(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_nanosleep, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof(steps) / sizeof(steps[0]), steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
	int status = 97 << 8;
	pid_t child;

	if (argc != 5)
		return 99;
	sleep(3); /* longer than a helper may take to come */
	child = fork();
	if (child == 0) {
		if (setgid((gid_t)atoi(argv[1])) || setuid((uid_t)atoi(argv[1])) ||
		    setenv("LD_PRELOAD", argv[2], 1) || setenv("SEEP_OPTIONS", argv[3], 1) ||
		    end_who_sleeps())
			_exit(98);
		execl(argv[4], argv[4], (char *)NULL);
		_exit(98);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
