/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_pressure: do tasks wait for memory?
 *
 * Those of the program's cgroup are asked for: on a machine of a hundred containers one that waits is
 * no news to the others, and what the machine as a whole does not feel may be the end of one that is at its
 * limit. A cgroup's file is root's, or of whom it was given to, and read-only in most containers; then the
 * next one above is tried, and at last the machine. Somebody may move the program: the helper stays
 * behind, so where it is now is looked up again and again.
 *
 *   Runs in   the helper
 *   Locks     none
 *   Memory    static
 *   Calls     openat, read, write, close
 *   Failure   nothing is told; limits are looked at all the same
 */
#include "lib/control/memory_pressure.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/snapshot/cgroup_walk.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define SECOND_NS 1000000000ull
/* The kernel takes 0.2 ms to begin and end its watch: too much for a command that is over by then. */
#define PATIENCE_NS SECOND_NS
#define LOOK_PAUSE_NS (10 * SECOND_NS)

#define OF_THE_MACHINE "/proc/pressure/memory"
#define OF_A_CGROUP "/memory.pressure"
/* Tasks that waited for memory for 200 ms of 2 s; who has no rights may ask for multiples of 2 s only
 * (Documentation/accounting/psi.rst). */
#define TRIGGER "some 200000 2000000"

/* By itself, and beside hierarchies of version 1. */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

static uint64_t look_ns; /* not before that time */
static int watched_fd = -1;
static char watched_path[PATH_MAX]; /* of the cgroup; "" where there is none */
static char memberships[8192], place[PATH_MAX];

void memory_pressure_start(uint64_t now_ns)
{
	look_ns = now_ns + PATIENCE_NS;
	watched_fd = -1;
	watched_path[0] = 0;
}

void memory_pressure_lose(void)
{
	if (watched_fd >= 0)
		sys_call(SYS_close, watched_fd);
	watched_fd = -1;
}

/* Of version 2, in `memberships`. */
static bool find_cgroup(struct cgroup_line *line)
{
	struct text path = TEXT_IN(place);
	const char *lines = memberships;
	long bytes;

	text_add(&path, "/proc/");
	text_add_number(&path, process_facts.pid);
	text_add(&path, "/cgroup");
	bytes = sys_read_file(place, memberships, sizeof(memberships) - 1);
	memberships[bytes > 0 ? bytes : 0] = 0;
	while (cgroup_walk_next_line(&lines, line))
		if (line->is_version_2)
			return true;
	return false;
}

static bool is_watched(const struct cgroup_line *line)
{
	for (size_t i = 0; i < line->path_bytes; i++)
		if (line->path[i] != watched_path[i])
			return false;
	return watched_path[line->path_bytes] == 0;
}

static int open_trigger(const char *path)
{
	long file = sys_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);

	/* The zero byte at its end belongs to it. */
	if (file >= 0 && sys_call(SYS_write, file, TRIGGER, sizeof(TRIGGER)) != sizeof(TRIGGER)) {
		sys_call(SYS_close, file);
		file = -1;
	}
	return (int)file;
}

static int open_nearest(const struct cgroup_line *line)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		struct text mount = TEXT_IN(place);
		struct cgroup_walk walk;

		text_add(&mount, mounts[i]);
		walk = cgroup_walk_begin(mount, line);
		do {
			const char *path = cgroup_walk_file(&walk, OF_A_CGROUP);
			int file = path == NULL ? -1 : open_trigger(path);

			if (file >= 0)
				return file;
		} while (cgroup_walk_up(&walk));
	}
	return -1;
}

int memory_pressure_watch(uint64_t now_ns)
{
	struct cgroup_line line = {.path = "", .path_bytes = 0};
	struct text path;
	bool is_in_one;

	if (options.near_limit == OPTIONS_NO_LIMIT)
		return -1;
	if (now_ns < look_ns)
		return watched_fd;
	look_ns = now_ns + LOOK_PAUSE_NS;
	is_in_one = find_cgroup(&line);
	/* What has ended is nowhere. */
	if (watched_fd >= 0 && (!is_in_one || is_watched(&line)))
		return watched_fd;
	memory_pressure_lose();
	path = TEXT_IN(watched_path);
	text_add_bytes(&path, line.path, line.path_bytes);
	if (is_in_one)
		watched_fd = open_nearest(&line);
	if (watched_fd < 0)
		watched_fd = open_trigger(OF_THE_MACHINE);
	return watched_fd;
}
