/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_files: where a command has the snapshot files of a run, and whether they stay.
 *
 * Who checks a program wants an answer, and files only when asked for. Otherwise they lie in a
 * folder of their own among temporary files, and go with it.
 */
#ifndef SEEP_COMMANDS_KEPT_FILES_H
#define SEEP_COMMANDS_KEPT_FILES_H

#include <limits.h>

struct error;
struct settings_text;

struct kept_files {
	char folder[PATH_MAX]; /* that goes; "" where the files stay */
};

/* Sets `output`, unless somebody has chosen one. Returns 0, or a negative errno value and a
 * sentence. */
int kept_files_place(struct kept_files *kept, struct settings_text *settings, struct error *error);

/* Removes what shall not stay. */
void kept_files_end(struct kept_files *kept);

#endif
