/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_walk: the folders of the cgroups that a process lies in, from its own up to the mount.
 */
#ifndef LIB_SNAPSHOT_CGROUP_WALK_H
#define LIB_SNAPSHOT_CGROUP_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/text.h"

/* A line of /proc/PID/cgroup, into which it points. */
struct cgroup_line {
	const char *path;
	size_t path_bytes;
	bool is_version_2;
	bool has_memory; /* of version 1: this hierarchy is about memory */
};

/* The next of `*lines`; false at their end. Lines that say nothing are left out. */
bool cgroup_walk_next_line(const char **lines, struct cgroup_line *line);

struct cgroup_walk {
	struct text path; /* a folder, and what cgroup_walk_file has put behind it */
	size_t mount_bytes, folder_bytes;
	unsigned level;
};

/* Begins at the cgroup of `line`. `mount` is where its hierarchy is mounted; the walk goes on in its buffer. */
struct cgroup_walk cgroup_walk_begin(struct text mount, const struct cgroup_line *line);

/* To the folder above; false when the walk is at the mount. */
bool cgroup_walk_up(struct cgroup_walk *walk);

/* The path of a file in the folder, until the next call; null where it is too long. */
const char *cgroup_walk_file(struct cgroup_walk *walk, const char *name);

#endif
