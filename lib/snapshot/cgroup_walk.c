/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_walk: the folders of the cgroups that a process lies in, from its own up to the mount.
 *
 * A cgroup is held to the limits of all those that it lies in. Inside a container /proc may name a
 * cgroup that its /sys/fs/cgroup does not show; what that does show is then the container's own, so
 * every folder on the way up is tried, whether or not it is there.
 *
 *   Runs in   whoever takes a snapshot; the helper
 *   Locks     none
 *   Memory    the caller's buffers
 *   Calls     nothing
 *   Failure   a path that is too long is left out: the walk is at the mount
 */
#include "lib/snapshot/cgroup_walk.h"

#include "lib/base/poison.h"

#define LEVELS_MAX 64u

/* Is "memory" one of the words of a list that ends with a colon? */
static bool names_memory(const char *list)
{
	static const char word[] = "memory";

	for (;;) {
		size_t i = 0;

		while (word[i] != 0 && list[i] == word[i])
			i++;
		if (word[i] == 0 && (list[i] == ',' || list[i] == ':'))
			return true;
		while (*list != ',' && *list != ':' && *list != 0)
			list++;
		if (*list++ != ',')
			return false;
	}
}

bool cgroup_walk_next_line(const char **lines, struct cgroup_line *line)
{
	/* Each line: a number, a colon, controllers (none in version 2), a colon, the path. */
	while (**lines != 0) {
		const char *list = *lines, *path, *end;

		while (*list != ':' && *list != '\n' && *list != 0)
			list++;
		path = *list == ':' ? ++list : list;
		while (*path != ':' && *path != '\n' && *path != 0)
			path++;
		for (end = path; *end != '\n' && *end != 0; end++)
			;
		*lines = *end == 0 ? end : end + 1;
		if (*path != ':')
			continue;
		*line = (struct cgroup_line){
			.path = path + 1,
			.path_bytes = (size_t)(end - path - 1),
			.is_version_2 = path == list,
			.has_memory = path != list && names_memory(list),
		};
		return true;
	}
	return false;
}

struct cgroup_walk cgroup_walk_begin(struct text mount, const struct cgroup_line *line)
{
	struct cgroup_walk walk = {.path = mount, .mount_bytes = mount.bytes};
	const char *path = line->path;

	/* A cgroup outside of the namespace that we see is called "/..". */
	if (!(line->path_bytes >= 3 && path[0] == '/' && path[1] == '.' && path[2] == '.'))
		text_add_bytes(&walk.path, path, line->path_bytes);
	if (walk.path.is_cut)
		walk.path.bytes = mount.bytes;
	while (walk.path.bytes > mount.bytes && walk.path.start[walk.path.bytes - 1] == '/')
		walk.path.bytes--;
	walk.folder_bytes = walk.path.bytes;
	return walk;
}

bool cgroup_walk_up(struct cgroup_walk *walk)
{
	size_t bytes = walk->folder_bytes;
	const char *folder = walk->path.start;

	if (bytes <= walk->mount_bytes || ++walk->level >= LEVELS_MAX)
		return false;
	while (bytes > walk->mount_bytes && folder[bytes - 1] != '/')
		bytes--;
	while (bytes > walk->mount_bytes && folder[bytes - 1] == '/')
		bytes--;
	walk->folder_bytes = bytes;
	return true;
}

const char *cgroup_walk_file(struct cgroup_walk *walk, const char *name)
{
	walk->path.bytes = walk->folder_bytes;
	walk->path.is_cut = false;
	text_add(&walk->path, name);
	return walk->path.is_cut ? NULL : walk->path.start;
}
