/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_copy: a copy of the whole process, in which something is looked for while the program goes on.
 *
 * The copy dies with the helper, is the first to go when memory runs out, leaves no core dump, and has
 * a limit of time. All signals are blocked in it, as in the helper. It has no descriptor but its end of
 * the pipe: where there is no helper, what the program closes must be closed.
 *
 *   Runs in   the helper, or a thread of the program; the work in the copy
 *   Locks     none
 *   Memory    page tables for all of the process; pages that either side writes meanwhile; a stack
 *   Calls     clone, pipe2, close_range, ppoll, wait4, kill, prctl, prlimit64
 *   Failure   there is no copy: a negative errno value
 */
#include "lib/scan/process_copy.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/base/raw_task.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define STACK_BYTES (256u << 10)
#define CPU_MOST_S 600
#define MEANWHILE_NS 10000000u

/* Its parent may be one that ends at once (0: not asked). */
static void become_harmless(uint32_t parent)
{
	/* One byte: neither a file nor a program that collects dumps gets one; see core(5). */
	struct rlimit no_dump = {.rlim_cur = 1, .rlim_max = 1};
	struct rlimit most_work = {.rlim_cur = CPU_MOST_S, .rlim_max = CPU_MOST_S};
	static const char first_to_go[] = "1000";
	long fd;

	if (parent != 0)
		sys_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (parent != 0 && (uint32_t)sys_call(SYS_getppid) != parent)
		sys_call(SYS_exit_group, 0);
	sys_call(SYS_prlimit64, 0, RLIMIT_CPU, &most_work, 0);
	sys_call(SYS_prlimit64, 0, RLIMIT_CORE, &no_dump, 0);
	sys_call(SYS_prctl, PR_SET_NAME, "seep:scan", 0, 0, 0);
	fd = sys_call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	sys_write_all((int)fd, first_to_go, sizeof(first_to_go) - 1);
	sys_call(SYS_close, fd);
}

/* What the midwife is told, in memory that it shares with us. */
static struct {
	process_copy_work *work;
	void *context;
	int fd;
	long pid;
} birth;

static __attribute__((noreturn)) void do_work(uint32_t parent)
{
	become_harmless(parent);
	sys_close_all_but(birth.fd);
	birth.work(birth.fd, birth.context);
	for (;;)
		sys_call(SYS_exit_group, 0);
}

/* Neither memory nor descriptors are shared, and its end sends no signal. */
static long copy_process(void)
{
	return sys_call(SYS_clone, CLONE_UNTRACED, 0, 0, 0, 0);
}

static void give_birth(void)
{
	birth.pid = copy_process();
	if (birth.pid == 0)
		do_work(0);
}

/* Nobody's child: whoever adopts orphans adopts it. A program that does so itself finds it with __WALL. */
static long make_orphan(void)
{
	char *stack = region_map(STACK_BYTES, REGION_KEPT_ON_FORK);
	uint64_t all = ~0ull, before;
	long midwife;
	int status;

	if (stack == NULL)
		return -ENOMEM;
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	midwife = raw_task_start(CLONE_VM | CLONE_UNTRACED | CLONE_VFORK, stack + STACK_BYTES,
				 give_birth);
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof(before));
	if (midwife > 0)
		while (sys_call(SYS_wait4, midwife, &status, __WALL, 0) == -EINTR)
			;
	region_unmap(stack, STACK_BYTES);
	return midwife < 0 ? midwife : birth.pid;
}

void process_copy_make(struct process_copy *copy, process_copy_work *work, void *context,
		       uint64_t patience_ns)
{
	uint32_t own_pid = sys_pid();
	int ends[2];
	long result = sys_call(SYS_pipe2, ends, O_CLOEXEC);

	*copy = (struct process_copy){.pid = result,
				      .is_orphan = own_pid == process_facts.pid,
				      .fd = -1,
				      .until_ns = sys_clock_ns(CLOCK_MONOTONIC) + patience_ns};
	if (result != 0)
		return;
	birth.work = work;
	birth.context = context;
	birth.fd = ends[1];
	copy->pid = copy->is_orphan ? make_orphan() : copy_process();
	if (copy->pid == 0)
		do_work(own_pid);
	sys_call(SYS_close, ends[1]);
	if (copy->pid < 0)
		sys_call(SYS_close, ends[0]);
	else
		copy->fd = ends[0];
}

bool process_copy_read(struct process_copy *copy, void *data, size_t bytes)
{
	char *next = data;

	while (bytes > 0) {
		struct pollfd end = {.fd = copy->fd, .events = POLLIN};
		uint64_t now = sys_clock_ns(CLOCK_MONOTONIC);
		struct timespec left;
		uint64_t wait_ns;
		long ready, got;

		if (copy->fd < 0 || now >= copy->until_ns)
			return false;
		wait_ns = copy->until_ns - now;
		if (copy->goes_on != NULL) {
			copy->is_unwanted |= !copy->goes_on(copy->context);
			if (copy->is_unwanted)
				return false;
			wait_ns = wait_ns < MEANWHILE_NS ? wait_ns : MEANWHILE_NS;
		}
		left = (struct timespec){.tv_sec = (time_t)(wait_ns / 1000000000u),
					 .tv_nsec = (long)(wait_ns % 1000000000u)};
		ready = sys_call(SYS_ppoll, &end, 1, &left, 0, 0);
		/* Who may have no descriptors may not ask about one, and asking again is in vain. */
		if (ready < 0 && ready != -EINTR)
			return false;
		if (ready <= 0)
			continue;
		got = sys_call(SYS_read, copy->fd, next, bytes);
		if (got == -EINTR)
			continue;
		if (got <= 0)
			return false;
		next += got;
		bytes -= (size_t)got;
	}
	return true;
}

static int wait_for(struct process_copy *copy)
{
	int status = 0;

	if (copy->fd >= 0)
		sys_call(SYS_close, copy->fd);
	/* An orphan is ours only where we adopt orphans. */
	while (sys_call(SYS_wait4, copy->pid, &status, __WALL, 0) == -EINTR)
		;
	*copy = (struct process_copy){.pid = -ECHILD, .fd = -1};
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void process_copy_drop(struct process_copy *copy)
{
	if (copy->pid <= 0)
		return;
	sys_call(SYS_kill, copy->pid, SIGKILL);
	wait_for(copy);
}

int process_copy_end(struct process_copy *copy)
{
	char more;

	if (copy->pid <= 0)
		return 0;
	/* The pipe ends with the copy: then nothing is left to be waited for. */
	if (process_copy_read(copy, &more, 1) || copy->is_unwanted ||
	    sys_clock_ns(CLOCK_MONOTONIC) >= copy->until_ns)
		sys_call(SYS_kill, copy->pid, SIGKILL);
	return wait_for(copy);
}
