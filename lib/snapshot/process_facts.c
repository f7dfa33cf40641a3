/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_facts: what the kernel says about the watched process.
 *
 *   Runs in   the target at its start; the helper
 *   Locks     none
 *   Memory    static; 4 KiB of stack
 *   Calls     reads of /proc; kcmp; PIDFD_GET_INFO
 *   Failure   zeros or "not known"
 */
#include "lib/snapshot/process_facts.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/base/run_clock.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

struct process_facts process_facts;

/* Fields of /proc/PID/stat by their number in proc(5), from 3 on; 0 where missing. */
#define STAT_FIELDS 53
#define STAT_FLAGS 9
#define STAT_THREADS 20
#define STAT_START_TICKS 22
#define STAT_VM_BYTES 23
#define STAT_EXIT_CODE 52
struct stat_fields {
	uint64_t field[STAT_FIELDS];
	char state;
};

static bool read_stat(uint32_t pid, struct stat_fields *stat)
{
	char path[32], line[2048];
	struct text text = TEXT_IN(path);
	const char *next = line, *name_end = NULL;
	long bytes;

	*stat = (struct stat_fields){0};
	text_add(&text, "/proc/");
	text_add_number(&text, pid);
	text_add(&text, "/stat");
	bytes = sys_read_file(path, line, sizeof(line) - 1);
	if (bytes <= 0)
		return false;
	line[bytes] = 0;
	/* The name may hold anything, also ") ": the last bracket ends it. */
	for (; *next != 0; next++)
		if (*next == ')')
			name_end = next;
	if (name_end == NULL || name_end[1] != ' ')
		return false;
	next = name_end + 2;
	stat->state = *next++;
	for (int field = 4; field < STAT_FIELDS && *next == ' '; field++) {
		next++;
		if (*next == '-') {
			while (*next != 0 && *next != ' ')
				next++;
		} else if (!text_read_number(&next, &stat->field[field])) {
			break;
		}
	}
	return true;
}

void process_facts_read(uint32_t forked_from)
{
	struct process_facts *facts = &process_facts;
	struct stat_fields stat;
	long bytes;

	facts->pid = sys_pid();
	facts->parent_pid = (uint32_t)sys_call(SYS_getppid);
	facts->forked_from = forked_from;
	facts->started_unix_ns = sys_clock_ns(CLOCK_REALTIME);
	facts->started_monotonic_ns = run_clock_ns();
	facts->start_ticks = read_stat(facts->pid, &stat) ? stat.field[STAT_START_TICKS] : 0;
	sys_call(SYS_prctl, PR_GET_NAME, facts->name, 0, 0, 0);
	/* A fork writes where its parent does; a daemon has gone to / meanwhile. */
	if (forked_from != 0 && facts->folder[0] != 0)
		return;
	bytes = sys_call(SYS_getcwd, facts->folder, sizeof(facts->folder));
	if (bytes <= 0 || facts->folder[0] != '/')
		facts->folder[0] = 0;
}

static uint64_t kib_of(const char *status, const char *key)
{
	const char *value = text_find_line(status, key);
	uint64_t kib = 0;

	while (value != NULL && (*value == ' ' || *value == '\t'))
		value++;
	return value != NULL && text_read_number(&value, &kib) ? kib * 1024 : 0;
}

bool process_pins_memory(void)
{
	char status[4096];
	long bytes = sys_read_file("/proc/self/status", status, sizeof(status) - 1);

	status[bytes > 0 ? bytes : 0] = 0;
	return bytes <= 0 || kib_of(status, "VmPin:") > 0;
}

struct process_memory process_memory_read(void)
{
	struct process_memory memory = {0};
	char status[4096];
	long bytes = sys_read_file("/proc/self/status", status, sizeof(status) - 1);

	if (bytes <= 0)
		return memory;
	status[bytes] = 0;
	memory.rss_bytes = kib_of(status, "VmRSS:");
	memory.swap_bytes = kib_of(status, "VmSwap:");
	memory.vm_bytes = kib_of(status, "VmSize:");
	memory.anonymous_bytes = kib_of(status, "RssAnon:");
	memory.data_bytes = kib_of(status, "VmData:");
	return memory;
}

/* include/uapi/linux/pidfd.h, newer than Debian 12's headers: Linux 6.13, exit codes since 6.15. */
struct pidfd_info_v0 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_HAS_EXIT (1u << 3)

static struct process_end end_of(int wait_status)
{
	struct process_end end = {.is_known = true};

	end.is_signal = WIFSIGNALED(wait_status);
	end.status = end.is_signal ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	return end;
}

struct process_end process_end_read(int pidfd)
{
	struct pidfd_info_v0 info = {.mask = PIDFD_INFO_HAS_EXIT};
	struct stat_fields stat;

	/* Not waited for yet: a zombie that /proc still shows. */
	if (read_stat(process_facts.pid, &stat) &&
	    stat.field[STAT_START_TICKS] == process_facts.start_ticks && stat.state == 'Z' &&
	    stat.field[STAT_EXIT_CODE] != 0)
		return end_of((int)stat.field[STAT_EXIT_CODE]);
	if (pidfd >= 0 && sys_call(SYS_ioctl, pidfd, PIDFD_GET_INFO_V0, &info) == 0 &&
	    (info.mask & PIDFD_INFO_HAS_EXIT) != 0)
		return end_of(info.exit_code);
	return (struct process_end){0};
}

bool process_is_another(void)
{
	struct stat_fields stat;

	/* Without /proc the ticks are 0 and nothing can be told apart; nor where there is no descriptor left to
	 * read it by. */
	if (process_facts.start_ticks == 0 || !read_stat(process_facts.pid, &stat))
		return sys_call(SYS_kill, process_facts.pid, 0) == -ESRCH;
	return stat.field[STAT_START_TICKS] != process_facts.start_ticks;
}

uint64_t process_start_ticks(uint32_t pid)
{
	struct stat_fields stat;

	return read_stat(pid, &stat) ? stat.field[STAT_START_TICKS] : 0;
}

/* PF_FORKNOEXEC, from fork to exec. */
#define FORKED_FLAG 0x40u

bool process_had_become_another(void)
{
	struct stat_fields stat;

	return process_facts.forked_from != 0 && process_facts.start_ticks != 0 &&
	       read_stat(process_facts.pid, &stat) &&
	       stat.field[STAT_START_TICKS] == process_facts.start_ticks &&
	       (stat.field[STAT_FLAGS] & FORKED_FLAG) == 0;
}

bool process_is_zombie(uint32_t pid)
{
	struct stat_fields stat;

	return read_stat(pid, &stat) && stat.state == 'Z';
}

const char *process_program_path(void)
{
	static char path[4096]; /* stacks of threads are small */
	long bytes = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path) - 1);

	path[bytes > 0 ? bytes : 0] = 0;
	return path;
}

bool process_children_are_elsewhere(void)
{
	char own[64], theirs[64];
	struct stat status;
	long own_bytes =
		sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/ns/pid", own, sizeof(own) - 1);
	long bytes = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/ns/pid_for_children", theirs,
			      sizeof(theirs) - 1);

	/* The link leads nowhere as long as no process has been born into the new namespace. */
	if (own_bytes > 0 && bytes == -ENOENT &&
	    sys_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid_for_children", &status,
		     AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (own_bytes <= 0 || bytes <= 0)
		return false; /* no /proc, or before Linux 4.12 */
	own[own_bytes] = theirs[bytes] = 0;
	return !text_equal(own, theirs);
}

bool process_has_ended(void)
{
	struct stat_fields stat;

	/* A first thread that has ended is a zombie too while others go on. */
	return process_is_another() || (read_stat(process_facts.pid, &stat) && stat.state == 'Z' &&
					stat.field[STAT_THREADS] <= 1);
}

bool process_has_new_memory(void)
{
	/* Fields that describe the program image: its code, data, stack, arguments and environment.
	 */
	static const int image_fields[] = {26, 27, 28, 45, 46, 47, 48, 49, 50, 51};
	long same = sys_call(SYS_kcmp, sys_pid(), process_facts.pid, KCMP_VM, 0, 0);
	struct stat_fields theirs, ours;
	bool any = false;

	if (same == 0 || !read_stat(process_facts.pid, &theirs) ||
	    theirs.field[STAT_START_TICKS] != process_facts.start_ticks)
		return false;
	/* One that is ending has no memory any more: that is an end, not an exec. */
	if (theirs.field[STAT_VM_BYTES] == 0)
		return false;
	if (same > 0 && same <= 3)
		return true;
	if (!read_stat(sys_pid(), &ours))
		return false;
	/* The kernel shows 0, for some 1, to those who may not know: after a change of user, or
	 * when the program has made itself undumpable. */
	for (unsigned i = 0; i < sizeof(image_fields) / sizeof(image_fields[0]); i++)
		any |= theirs.field[image_fields[i]] > 1;
	if (!any)
		return false;
	for (unsigned i = 0; i < sizeof(image_fields) / sizeof(image_fields[0]); i++)
		if (theirs.field[image_fields[i]] != ours.field[image_fields[i]])
			return true;
	return false;
}
