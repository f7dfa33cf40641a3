/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checked_files: snapshot files, asked one after the other whether there is a finding in them: a
 * site that is flagged, or a threshold that was crossed.
 */
#ifndef SEEP_COMMANDS_CHECKED_FILES_H
#define SEEP_COMMANDS_CHECKED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/suppression.h"
#include "tools/model/threshold.h"
#include "tools/output/sink.h"

struct child_process;
struct error;
struct symbols;

#define CHECKED_NOTES 3
#define CHECKED_NOTE_BYTES 320
#define CHECKED_SCAN_BYTES 800

struct checked_files {
	/* Set by the caller. */
	struct sink *sink;
	struct symbols *symbols;
	struct thresholds thresholds;
	struct suppressions suppressions;
	bool is_json;
	bool is_quiet;	 /* text: nothing while there is no finding */
	bool flag_minor; /* also leaks in a crowd, see report_options */
	bool expects_scan; /* each file should say what was lost */
	/* What has been found so far. */
	size_t file_count;   /* that could be read */
	size_t failed_count; /* that could not; a message was printed for each */
	size_t leak_count;   /* sites that are one leak count once; also those that are lost */
	size_t lost_count;   /* of them: those of which most, or all that is wrong, is lost */
	uint64_t lost_bytes; /* by them */
	size_t crossing_count;
	size_t suppressed_count; /* sites that would be flagged */
	size_t short_count; /* files with too few snapshots to judge growth */
	/* Files without a finding of which it is not known what is lost, or that may have lost
	 * something: those of the first. */
	size_t scan_count;
	char scan_notes[CHECKED_NOTES][CHECKED_SCAN_BYTES];
	/* Files without a leak, whose memory as a whole is not as it should be: that of the first. */
	size_t memory_count;
	char memory_notes[CHECKED_NOTES][CHECKED_NOTE_BYTES];
};

/* Before the first file and after the last one. With `child` (may be null), the program that
 * was run for it, `exit_status` is what the command is going to return. */
void checked_files_begin(struct checked_files *checked);
void checked_files_end(struct checked_files *checked, char *const *words,
		       const struct child_process *child, int exit_status);

/* Checks one: a file, FILE@SNAP, a PID, or a folder with files. What cannot be read is said at once
 * and counted. */
void checked_files_add(struct checked_files *checked, const char *name);

bool checked_files_have_finding(const struct checked_files *checked);

#endif
