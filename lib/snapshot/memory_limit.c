/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_limit: how much memory the process may have, and how much of that is in use.
 *
 * The kernel kills or refuses at whichever limit is met first, so only that one is kept. A cgroup is
 * held to the limits of all those that it lies in. Where tasks are made to wait (memory.high) that limit
 * has been met once it is passed; where the way leads on to another one of a cgroup's, that comes next.
 *
 * Pages of files that nobody has used lately are not counted as in use: the kernel takes them back
 * before it refuses anything. Container runtimes reckon the same way ("working set").
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static: stacks are small where the program itself takes the snapshot
 *   Calls     reads of /proc and /sys/fs/cgroup; prlimit64
 *   Failure   a limit that cannot be read does not count
 */
#include "lib/snapshot/memory_limit.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/snapshot/cgroup_walk.h"

#include "lib/base/poison.h"

#define CGROUP_FOLDER "/sys/fs/cgroup"
/* Version 1 writes the largest page-aligned number for "no limit". */
#define NO_LIMIT_BYTES (1ull << 62)

/* Of one version of cgroups. */
struct cgroup_files {
	const char *limit, *high, *current, *inactive_key; /* high: null where there is none */
};

struct cgroup_limits {
	struct memory_limit least;
	struct memory_limit passed; /* of those where tasks already wait, the least */
};

static const struct cgroup_files files_v1 = {"/memory.limit_in_bytes", NULL,
					     "/memory.usage_in_bytes", "total_inactive_file "};
static const struct cgroup_files files_v2 = {"/memory.max", "/memory.high", "/memory.current",
					     "inactive_file "};

static char memberships[8192], contents[8192], place[PATH_MAX];

static uint64_t room_of(const struct memory_limit *limit)
{
	return limit->bytes > limit->used_bytes ? limit->bytes - limit->used_bytes : 0;
}

static void meet(struct memory_limit *least, enum seep_limit_kind kind, uint64_t bytes,
		 uint64_t used_bytes)
{
	struct memory_limit limit = {.bytes = bytes, .used_bytes = used_bytes, .kind = kind};

	if (bytes == 0 || bytes >= NO_LIMIT_BYTES)
		return;
	if (least->kind == SEEP_LIMIT_UNKNOWN || room_of(&limit) < room_of(least))
		*least = limit;
}

/* ---- cgroups ------------------------------------------------------------------------------- */

/* The beginning of a file, in `contents`; false where there is none. */
static bool read_here(struct cgroup_walk *walk, const char *file)
{
	const char *path = cgroup_walk_file(walk, file);
	long bytes = path == NULL ? -1 : sys_read_file(path, contents, sizeof(contents) - 1);

	contents[bytes > 0 ? bytes : 0] = 0;
	return bytes > 0;
}

/* False also for "max". */
static bool read_number_here(struct cgroup_walk *walk, const char *file, uint64_t *number)
{
	const char *next = contents;

	return read_here(walk, file) && text_read_number(&next, number);
}

static void look_here(struct cgroup_walk *walk, const struct cgroup_files *files,
		      struct cgroup_limits *limits)
{
	uint64_t limit = NO_LIMIT_BYTES, high = NO_LIMIT_BYTES, used = 0, inactive = 0;
	const char *value;

	/* Most have no limit and cost a look or two. */
	read_number_here(walk, files->limit, &limit);
	if (files->high != NULL)
		read_number_here(walk, files->high, &high);
	if ((limit >= NO_LIMIT_BYTES && high >= NO_LIMIT_BYTES) ||
	    !read_number_here(walk, files->current, &used))
		return;
	if (read_here(walk, "/memory.stat")) {
		value = text_find_line(contents, files->inactive_key);
		if (value != NULL && text_read_number(&value, &inactive))
			used -= inactive < used ? inactive : used;
	}
	/* A limit of 0 is one, too. */
	meet(&limits->least, SEEP_LIMIT_CGROUP, limit > 0 ? limit : 1, used);
	meet(used < high ? &limits->least : &limits->passed, SEEP_LIMIT_CGROUP_HIGH,
	     high > 0 ? high : 1, used);
}

struct memory_limit memory_limit_of_cgroups(const char *folder, const char *lines)
{
	struct cgroup_limits limits = {0};
	struct cgroup_line line;

	while (cgroup_walk_next_line(&lines, &line)) {
		struct text mount = TEXT_IN(place);
		struct cgroup_walk walk;

		if (!line.is_version_2 && !line.has_memory)
			continue;
		text_add(&mount, folder);
		text_add(&mount, line.is_version_2 ? "" : "/memory");
		walk = cgroup_walk_begin(mount, &line);
		do
			look_here(&walk, line.is_version_2 ? &files_v2 : &files_v1, &limits);
		while (cgroup_walk_up(&walk));
	}
	return limits.least.kind == SEEP_LIMIT_UNKNOWN ? limits.passed : limits.least;
}

/* The helper stays where it was made when somebody moves the program. One that has ended is said to
 * be at the top: it was where it was last seen, or where the helper is. */
static void read_memberships(bool has_ended)
{
	struct text text = TEXT_IN(place);
	long bytes = 0;

	text_add(&text, "/proc/");
	text_add_number(&text, process_facts.pid);
	text_add(&text, "/cgroup");
	if (!has_ended)
		bytes = sys_read_file(place, contents, sizeof(contents) - 1);
	/* Asked afterwards, for it may end meanwhile. */
	if (bytes > 0 && process_has_ended())
		bytes = 0;
	if (bytes <= 0 && memberships[0] == 0)
		bytes = sys_read_file("/proc/self/cgroup", contents, sizeof(contents) - 1);
	if (bytes <= 0)
		return;
	contents[bytes] = 0;
	text = TEXT_IN(memberships);
	text_add(&text, contents);
}

/* ---- the others ---------------------------------------------------------------------------- */

/* The helper has resource limits of its own. */
static uint64_t resource_limit(int resource)
{
	struct rlimit64 limit = {.rlim_cur = RLIM64_INFINITY};

	if (sys_call(SYS_prlimit64, process_facts.pid, resource, 0, &limit) != 0 &&
	    sys_call(SYS_prlimit64, 0, resource, 0, &limit) != 0)
		return 0;
	return limit.rlim_cur;
}

static uint64_t kib_in_contents(const char *key)
{
	const char *value = text_find_line(contents, key);
	uint64_t kib = 0;

	while (value != NULL && *value == ' ')
		value++;
	return value != NULL && text_read_number(&value, &kib) ? kib * 1024 : 0;
}

static void look_at_machine(struct memory_limit *least)
{
	long bytes = sys_read_file("/proc/meminfo", contents, sizeof(contents) - 1);
	uint64_t total, available;

	if (bytes <= 0)
		return;
	contents[bytes] = 0;
	total = kib_in_contents("MemTotal:");
	available = kib_in_contents("MemAvailable:");
	if (available > 0 && available <= total)
		meet(least, SEEP_LIMIT_MACHINE, total, total - available);
}

struct memory_limit memory_limit_read(const struct process_memory *memory, bool has_ended)
{
	struct memory_limit least;

	read_memberships(has_ended);
	least = memory_limit_of_cgroups(CGROUP_FOLDER, memberships);
	if (memory->vm_bytes > 0)
		meet(&least, SEEP_LIMIT_ADDRESS_SPACE, resource_limit(RLIMIT_AS), memory->vm_bytes);
	if (memory->data_bytes > 0)
		meet(&least, SEEP_LIMIT_DATA, resource_limit(RLIMIT_DATA), memory->data_bytes);
	look_at_machine(&least);
	return least;
}
