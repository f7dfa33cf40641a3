/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_diagnosis: how much of a program that can be preloaded will be seen.
 */
#include "tools/commands/program_diagnosis.h"

#include <string.h>
#include <unistd.h>

#include "tools/commands/diagnosis.h"
#include "tools/commands/program_file.h"

static void add_allocator(struct diagnosis *diagnosis, const struct program_file *file)
{
	const char *name = file->own_allocator;

	if (file->has_own_malloc && name)
		diagnosis_add(diagnosis, DIAGNOSIS_WARNING,
			      "%s is linked into it and comes before any preloaded malloc, so that "
			      "nothing of it is seen; link it with the shared library of %s, or "
			      "without",
			      name, name);
	else if (file->has_own_malloc)
		diagnosis_add(
			diagnosis, DIAGNOSIS_WARNING,
			"it defines malloc itself, which comes before any preloaded one: only "
			"what it passes on to the next malloc is seen; build it without that");
	else if (name)
		diagnosis_add(
			diagnosis, DIAGNOSIS_WARNING,
			"%s is linked into it, and what it allocates with %smalloc is not seen; "
			"seep run --allocator=%s follows that and its family, too; or build it to "
			"use malloc of libc",
			name, file->allocator_prefix, file->allocator_prefix);
	else if (file->foreign_call)
		diagnosis_add(diagnosis, DIAGNOSIS_WARNING,
			      "what it allocates with %s is not seen; build it to call malloc, "
			      "behind which the same allocator may be preloaded",
			      file->foreign_call);
	else if (*file->allocator)
		diagnosis_add(diagnosis, DIAGNOSIS_OK,
			      "it allocates with %s (%s), which stays in use behind seep",
			      program_file_allocator_of(file->allocator), file->allocator);
	if (file->is_go)
		diagnosis_add(diagnosis, DIAGNOSIS_WARNING,
			      "it is a Go program: Go's own memory is not malloc's; what C code "
			      "allocates (cgo) is seen");
	if (file->is_java)
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "it runs Java: objects of Java are not malloc's; what the JVM and "
			      "native libraries allocate is seen");
	if (file->is_javascript)
		diagnosis_add(
			diagnosis, DIAGNOSIS_NOTE,
			"it runs JavaScript: objects of JavaScript are not malloc's; what node "
			"itself and native modules allocate is seen");
	if (file->is_python)
		diagnosis_add(
			diagnosis, DIAGNOSIS_NOTE,
			"it contains Python, which serves objects up to 512 bytes from arenas "
			"of its own: set PYTHONMALLOC=malloc to see each of them");
	if (file->is_php)
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "it runs PHP, which serves objects from chunks of its own: set "
			      "USE_ZEND_ALLOC=0 to see each of them");
}

/* Where distributions keep debug information: gdb's documentation, "Separate Debug Files". */
static bool has_separate_lines(const char *build_id)
{
	char path[PATH_MAX];

	if (strlen(build_id) < 4)
		return false;
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", build_id,
		 build_id + 2);
	return access(path, R_OK) == 0;
}

static void add_names(struct diagnosis *diagnosis, const struct program_file *file)
{
	if (!file->has_frame_info)
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "it has no .eh_frame, so that stacks end in its functions; build it "
			      "with -fasynchronous-unwind-tables");
	if (file->has_lines || has_separate_lines(file->build_id))
		diagnosis_add(diagnosis, DIAGNOSIS_OK, "stacks will have functions and lines");
	else
		diagnosis_add(
			diagnosis, DIAGNOSIS_NOTE,
			"it has no debug information: stacks will have functions at best, and "
			"no lines; build it with -g, or install its debug symbols%s",
			*file->build_id ? " (package NAME-dbgsym, or debuginfod)" : "");
}

void program_diagnosis(struct diagnosis *diagnosis, const struct program_file *file)
{
	if (!*file->path) {
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "its file may not be read, so that nothing more can be said");
		return;
	}
	diagnosis_add(diagnosis, DIAGNOSIS_OK, "dynamically linked with glibc, %s",
		      program_file_machine(file));
	add_allocator(diagnosis, file);
	add_names(diagnosis, file);
}
