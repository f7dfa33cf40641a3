/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unseen_memory: what a program of a run allocates that no snapshot of it knows of.
 *
 * That a malloc stood before the library's is in the file. An allocator whose functions are called
 * otherwise is known by its symbols, if the program's file is still the one that ran.
 */
#include "tools/commands/unseen_memory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/program_file.h"
#include "tools/model/named_file.h"
#include "tools/model/profile.h"

static bool is_same_build(const struct module *module, const char *build_id)
{
	char text[2 * sizeof(((struct program_file *)0)->build_id)] = "";

	for (size_t i = 0; i < module->build_id_bytes && 2 * i + 2 < sizeof(text); i++)
		snprintf(text + 2 * i, 3, "%02x", module->build_id[i]);
	return strcmp(text, build_id) == 0;
}

/* The program is the first module of a process. */
static bool read_program(const struct profile *profile, const char *sysroot,
			 struct program_file *file)
{
	const struct module *module = profile->modules;
	char path[PATH_MAX];

	if (!profile->module_count || !module->path || *module->path != '/')
		return false;
	snprintf(path, sizeof(path), "%s%s", sysroot ? sysroot : "", module->path);
	int fd = named_file_open(path, O_RDONLY);
	if (fd < 0)
		return false;
	bool is_read = program_file_read(fd, path, file);
	close(fd);
	return is_read && is_same_build(module, file->build_id);
}

bool unseen_memory_describe(const struct profile *profile, const char *sysroot,
			    char text[UNSEEN_MEMORY_BYTES])
{
	struct program_file file;

	if (profile_is_unseen(profile) || profile->follows_allocator)
		return false;
	if (profile->has_own_malloc) {
		snprintf(text, UNSEEN_MEMORY_BYTES,
			 "another malloc came before seep's: only what that passes on was seen");
		return true;
	}
	if (!read_program(profile, sysroot, &file))
		return false;
	if (file.own_allocator)
		snprintf(text, UNSEEN_MEMORY_BYTES,
			 "%s is linked into it: what it allocates with %smalloc was not seen",
			 file.own_allocator, file.allocator_prefix);
	else if (file.foreign_call)
		snprintf(text, UNSEEN_MEMORY_BYTES, "what it allocates with %s was not seen",
			 file.foreign_call);
	else
		return false;
	return true;
}
