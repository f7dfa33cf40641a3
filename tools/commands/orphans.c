/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans: processes that lose their parent while a program runs under the library.
 *
 * A daemon would see by its parent that it was adopted by us, so we do it only where nobody else
 * would wait. Whether the first process does is told by what it does with SIGCHLD: one that neither
 * catches it nor blocks it to read it nor ignores it on purpose is no init, but a command such as
 * `tail -f /dev/null` that keeps a container alive.
 */
#include "tools/commands/orphans.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/model/process_stat.h"

#define ENDING_FLAG 0x4u /* PF_EXITING of the kernel */
#define FIRST_PAUSE_NS 100000u
#define PAUSES_MAX 12 /* doubling: less than half a second in all */

static bool adopts;

static bool init_waits(void)
{
	FILE *file = fopen("/proc/1/status", "re");
	char line[256];
	uint64_t signals, any = 0;

	/* A machine that hides its processes has an init that deserves the name. */
	if (!file)
		return true;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %" SCNx64, &signals) == 1 ||
		    sscanf(line, "SigIgn: %" SCNx64, &signals) == 1 ||
		    sscanf(line, "SigCgt: %" SCNx64, &signals) == 1)
			any |= signals;
	fclose(file);
	return any & (1ull << (SIGCHLD - 1));
}

void orphans_adopt(void)
{
	adopts = getpid() == 1 || (!init_waits() && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
}

bool orphans_look_beside(pid_t pid, bool waits)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(adopts ? P_ALL : P_PID, (id_t)pid, &info,
			   WEXITED | WNOWAIT | (waits ? 0 : WNOHANG)) != 0) {
			if (errno == EINTR)
				continue;
			return true;
		}
		if (info.si_pid == 0)
			return false;
		if (info.si_pid == pid)
			return true;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

void orphans_reap(void)
{
	while (adopts && waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static bool is_ending(pid_t pid)
{
	struct process_stat stat;

	return process_stat_read(pid, &stat) &&
	       (process_stat_has_ended(&stat) || stat.flags & ENDING_FLAG);
}

static bool is_any_ending(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	bool is_any = false;
	int pid;

	while (file && !is_any && fscanf(file, "%d", &pid) == 1)
		is_any = is_ending(pid);
	if (file)
		fclose(file);
	return is_any;
}

/* A helper gives its file free a moment before it is gone. A process that ends thread by thread may
 * take longer than anybody would wait. */
void orphans_end(void)
{
	uint32_t pause_ns = FIRST_PAUSE_NS;

	if (!adopts)
		return;
	orphans_reap();
	for (int i = 0; i < PAUSES_MAX && is_any_ending(); i++, pause_ns *= 2) {
		nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
		orphans_reap();
	}
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	adopts = false;
}
