/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_report: a report or a diff for programs, "seep.report/1" and "seep.diff/1".
 *
 * The schema is stable: keys are added, never renamed, removed or given another type. What is not
 * known is null, never left out. One site stands on one line, so that grep and diff are of use.
 */
#ifndef SEEP_OUTPUT_JSON_REPORT_H
#define SEEP_OUTPUT_JSON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct report;

struct json_report_options {
	size_t site_limit; /* 0 for all */
	bool has_findings_only; /* of the sites those that are flagged or have crossed a threshold */
	bool is_one_line;  /* the whole document on one line (JSON lines, for several reports) */
};

/* A list of texts, up to a null pointer. */
void json_write_words(FILE *stream, char *const *words);

/* Writes a diff where report->old is set. Returns 0, -ENOMEM, or -EIO when the stream
 * has failed, whose owner knows why. */
int json_report_write(FILE *stream, const struct report *report,
		      const struct json_report_options *options);

#endif
