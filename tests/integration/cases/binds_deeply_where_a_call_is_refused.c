/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binds_deeply_where_a_call_is_refused: by a filter of system calls, as containers have: process_vm_writev.
 * The plug-in writes to data that lie beside its table of addresses, from which it frees.
 *
 *     binds_deeply_where_a_call_is_refused PLUGIN
 *
 * The test is in test_modules.py.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int refuse(unsigned call)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof(steps) / sizeof(steps[0]), steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
	void *block = malloc(100), *plugin;
	int (*take)(void *);

	if (argc < 2 || refuse(SYS_process_vm_writev))
		return 3;
	plugin = dlopen(argv[1], RTLD_LAZY | RTLD_DEEPBIND);
	if (!plugin)
		return 2;
	take = (int (*)(void *))dlsym(plugin, "take");
	return take(block) == 1 ? 0 : 1;
}
