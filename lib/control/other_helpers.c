/* SPDX-License-Identifier: Apache-2.0 */
/*
 * other_helpers: those of other processes, which end with the first process of their PID namespace.
 *
 * In a container that is the program which waits for all others and then ends, at once: the kernel kills
 * what is left, and that is their helpers, in the middle of the last state. Which helper belongs to whom
 * cannot be seen from here. But each process has one at most: where there are more helpers than
 * processes that they could be of, somebody has ended and its last state is on its way.
 *
 *   Runs in   the target, when the first process of a PID namespace ends
 *   Locks     none
 *   Memory    8 KiB of stack
 *   Calls     what number_folder calls; open, read, readlink, nanosleep
 *   Failure   without a /proc of this namespace nobody is waited for
 */
#include "lib/control/other_helpers.h"

#include "lib/base/number_folder.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/helper.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define PATIENCE_NS 1000000000ull
#define PAUSE_NS 500000u

struct tally {
	uint32_t helpers, others;
};

static bool is_helper(const char *name)
{
	for (const char *next = HELPER_NAME_PREFIX; *next != 0; next++, name++)
		if (*name != *next)
			return false;
	return true;
}

static void count(uint32_t pid, void *context)
{
	struct tally *tally = context;
	char path[32], name[32];
	struct text text = TEXT_IN(path);
	long bytes;

	text_add(&text, "/proc/");
	text_add_number(&text, pid);
	text_add(&text, "/comm");
	bytes = sys_read_file(path, name, sizeof(name) - 1);
	if (bytes <= 0 || process_is_zombie(pid))
		return;
	name[bytes] = 0;
	if (is_helper(name))
		tally->helpers++;
	else
		tally->others++;
}

/* It may be that of another namespace. */
static bool is_proc_ours(void)
{
	char pid[2];

	return sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self", pid, sizeof(pid)) == 1 &&
	       pid[0] == '1';
}

void other_helpers_await(void)
{
	uint64_t until = sys_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;

	if (!is_proc_ours())
		return;
	for (;;) {
		struct tally tally = {0};

		/* Our own helper and ourselves are among them. */
		if (!number_folder_visit("/proc", count, &tally) || tally.helpers <= tally.others ||
		    sys_clock_ns(CLOCK_MONOTONIC) >= until)
			return;
		sys_sleep_ns(PAUSE_NS);
	}
}
