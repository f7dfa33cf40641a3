/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forbids_calls: starts a program that may not make some system calls, as a container forbids them.
 *
 *     forbids_calls ptrace PROGRAM...    no ptrace
 *     forbids_calls copy PROGRAM...      no clone that copies the memory
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBER offsetof(struct seccomp_data, nr)
#define FIRST_ARGUMENT offsetof(struct seccomp_data, args[0])
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_BIT(bit, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit, yes, no)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define FAIL_WITH(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

int main(int argc, char **argv)
{
	struct sock_filter no_ptrace[] = {LOAD(NUMBER), IF(SYS_ptrace, 0, 1), FAIL_WITH(EPERM),
					  ALLOW};
	struct sock_filter no_copy[] = {LOAD(NUMBER),	      IF(SYS_clone, 0, 3),
					LOAD(FIRST_ARGUMENT), IF_BIT(CLONE_VM, 1, 0),
					FAIL_WITH(EAGAIN),    ALLOW};
	struct sock_fprog program = {.len = 4, .filter = no_ptrace};

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "copy") == 0)
		program = (struct sock_fprog){.len = 6, .filter = no_copy};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		perror("seccomp");
		return 3;
	}
	execv(argv[2], argv + 2);
	return 2;
}
