/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checked_files: snapshot files, asked one after the other whether there is a finding in them: a
 * site that is flagged, or a threshold that was crossed.
 */
#ifndef SEEP_COMMANDS_CHECKED_FILES_H
#define SEEP_COMMANDS_CHECKED_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/model/suppression.h"
#include "tools/model/threshold.h"
#include "tools/output/check_format.h"
#include "tools/output/sink.h"

struct baseline;
struct child_process;
struct error;
struct suppression_draft;
struct symbols;

struct checked_files {
	/* Set by the caller. */
	struct sink *sink;
	struct symbols *symbols;
	struct thresholds thresholds;
	struct suppressions suppressions;
	struct baseline *baseline;	 /* the next one; null: none is wanted */
	struct suppression_draft *draft; /* null: none is wanted */
	const struct check_format *format;
	struct check_writer writer; /* what of it its header leaves to the user, and is_quiet */
	bool flag_minor;	    /* also leaks in a crowd, see report_options */
	unsigned fails_on;	    /* kinds of findings, see check_outcome */
	/* Of the next file, where a program was run; of those in a folder it is known: */
	const char *children; /* the setting; null: it may be no test_driver */
	bool is_program;
	struct merged_findings *found; /* so far; freed by the caller, also after a failure */
	/* What has been looked at so far. A message was printed for each file that could not be read. */
	struct check_sums sums;
	char folder[PATH_MAX]; /* private */
};

/* Before the first file and after the last one. With `child` (may be null), the program that
 * was run for it, `exit_status` is what the command is going to return. Both return 0, or -ENOMEM and a
 * sentence. */
int checked_files_begin(struct checked_files *checked, struct error *error);
int checked_files_end(struct checked_files *checked, char *const *words,
		      const struct child_process *child, int exit_status, struct error *error);

/* Checks one: a file, FILE@SNAP, a PID, or a folder with files. What cannot be read is said at once
 * and counted. */
void checked_files_add(struct checked_files *checked, const char *name);

#endif
