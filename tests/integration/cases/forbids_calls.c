/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forbids_calls: starts a program that may not make some system calls, as a container forbids them.
 *
 *     forbids_calls ptrace PROGRAM...       no ptrace
 *     forbids_calls copy PROGRAM...         no clone that copies the memory
 *     forbids_calls container PROGRAM...    none that Docker's default profile keeps from containers
 *     forbids_calls old PROGRAM...          nor those that were unknown when Docker 19.03 was new
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
#define NO(call) IF(SYS_##call, 0, 1), FAIL_WITH(EPERM)
#define COUNT(filter) (sizeof(filter) / sizeof(filter[0]))
/* What needs a capability that containers have not; of ptrace that depends on the version. */
#define NOT_IN_CONTAINERS                                                                          \
	NO(ptrace), NO(kcmp), NO(process_vm_readv), NO(process_vm_writev), NO(unshare), NO(setns), \
		NO(mount), NO(umount2), NO(pivot_root), NO(bpf), NO(perf_event_open),              \
		NO(userfaultfd), NO(keyctl), NO(add_key), NO(request_key), NO(open_by_handle_at),  \
		NO(syslog), NO(quotactl), NO(acct), NO(settimeofday), NO(clock_settime)
/* The profile answers as if they were forbidden, and not that there is no such call. */
#define NOT_KNOWN_THEN                                                                             \
	NO(clone3), NO(close_range), NO(pidfd_open), NO(pidfd_getfd), NO(openat2), NO(faccessat2), \
		NO(epoll_pwait2), NO(io_uring_setup)

int main(int argc, char **argv)
{
	struct sock_filter no_ptrace[] = {LOAD(NUMBER), NO(ptrace), ALLOW};
	struct sock_filter no_copy[] = {LOAD(NUMBER),	      IF(SYS_clone, 0, 3),
					LOAD(FIRST_ARGUMENT), IF_BIT(CLONE_VM, 1, 0),
					FAIL_WITH(EAGAIN),    ALLOW};
	struct sock_filter container[] = {LOAD(NUMBER), NOT_IN_CONTAINERS, ALLOW};
	struct sock_filter old[] = {LOAD(NUMBER), NOT_IN_CONTAINERS, NOT_KNOWN_THEN, ALLOW};
	const struct {
		const char *name;
		struct sock_fprog program;
	} filters[] = {
		{"ptrace", {COUNT(no_ptrace), no_ptrace}},
		{"copy", {COUNT(no_copy), no_copy}},
		{"container", {COUNT(container), container}},
		{"old", {COUNT(old), old}},
	};

	for (size_t i = 0; argc > 2 && i < COUNT(filters); i++) {
		if (strcmp(argv[1], filters[i].name) != 0)
			continue;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filters[i].program) != 0) {
			perror("seccomp");
			return 3;
		}
		execv(argv[2], argv + 2);
	}
	return 2;
}
