/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_files: where a command has the snapshot files of a run, and whether they stay.
 */
#include "tools/commands/kept_files.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/commands/settings_text.h"
#include "tools/model/error.h"

#define DESCRIPTORS 8

int kept_files_place(struct kept_files *kept, struct settings_text *settings, struct error *error)
{
	const struct setting *output = settings_find("output");
	const char *temporary = getenv("TMPDIR");
	char pattern[PATH_MAX + 16];
	size_t length;

	kept->folder[0] = '\0';
	if (settings->values[output - settings_table])
		return 0;
	if (!temporary || *temporary != '/')
		temporary = "/tmp";
	/* A percent sign in the name of the folder would be read as one of the pattern. */
	if (strchr(temporary, '%'))
		return error_set(
			error, EINVAL,
			"TMPDIR: '%s' has a percent sign; give another one, or --keep=FILE",
			temporary);
	length = (size_t)snprintf(kept->folder, sizeof(kept->folder), "%s/seep-check-XXXXXX",
				  temporary);
	if (length >= sizeof(kept->folder) || !mkdtemp(kept->folder)) {
		int code = length >= sizeof(kept->folder) ? ENAMETOOLONG : errno;
		kept->folder[0] = '\0';
		return error_set(
			error, code,
			"cannot make a folder for snapshots in %s: %s; set TMPDIR, or give "
			"--keep=FILE",
			temporary, strerror(code));
	}
	snprintf(pattern, sizeof(pattern), "%s/%%e.%%p.seep", kept->folder);
	return settings_text_set(settings, output, pattern, error);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	/* What a process that is still running puts there later stays behind. */
	remove(path);
	return 0;
}

void kept_files_end(struct kept_files *kept)
{
	if (*kept->folder)
		nftw(kept->folder, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	kept->folder[0] = '\0';
}
