/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_output: where a run writes its snapshots, checked and made ready before the program starts.
 *
 * An output pattern is a file name in which %p is the pid, %e the program's name and %% a percent
 * sign (see seep/settings.h).
 */
#ifndef SEEP_COMMANDS_RUN_OUTPUT_H
#define SEEP_COMMANDS_RUN_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct error;

/* Stores the same pattern as an absolute one: the program may change its folder, and its children
 * start in others. */
int run_output_absolute(const char *pattern, char absolute[PATH_MAX], struct error *error);

/* Stores the folder of an absolute pattern; false where the folder's name is itself a pattern. */
bool run_output_folder(const char *pattern, char folder[PATH_MAX]);

/* Where the children of process `pid`, which was started as `program`, write: a folder beside the
 * file of the absolute pattern, so that a shell script's fifty commands do not litter the place
 * where somebody works: seep.NAME.PID.children. The library makes it for the first file in it.
 * False where the name would be too long; then they write where the program itself does. */
bool run_output_children_folder(const char *pattern, const char *program, pid_t pid,
				char folder[PATH_MAX]);
/* The output pattern of the files in it. */
bool run_output_children(const char *pattern, const char *program, pid_t pid,
			 char children[PATH_MAX]);

/* Makes way for the files of `program`: the folder must be writable; a snapshot file of an earlier
 * run that has the very name is removed, as everybody expects of -o, and so are the files of its
 * children. A file that is none, or that a running process still writes, is refused; then nothing
 * has been removed. */
int run_output_prepare(const char *pattern, const char *program, struct error *error);

#endif
