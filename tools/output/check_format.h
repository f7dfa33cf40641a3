/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_format: the formats in which seep check says what it has found.
 *
 * A check looks at one snapshot file after the other, so a format is told of each as it comes, and
 * of the outcome at the end.
 */
#ifndef SEEP_OUTPUT_CHECK_FORMAT_H
#define SEEP_OUTPUT_CHECK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/output/merged_findings.h"
#include "tools/output/text_style.h"

struct report;
struct suppressions;

/* What has been looked at so far; what was found is in struct merged_findings. */
struct check_sums {
	size_t file_count;	 /* that could be read */
	size_t failed_count;	 /* that could not */
	size_t suppressed_count; /* sites that would be flagged, and wrong frees */
	size_t suppressed_wrong_frees; /* of these */
	size_t short_count;	 /* files with too few snapshots to judge growth */
	/* Sites at which what runs the tests keeps more and more, and the first such program. */
	size_t driver_site_count;
	char driver[64];
};

/* Where it goes, and what the format itself remembers. */
struct check_writer {
	FILE *stream;
	struct text_style style;
	const char *folder; /* paths below it are written as seen from there */
	bool is_quiet;	    /* text: nothing while there is no finding */
	bool expects_scan;  /* each file should say what was lost */
	void *own;	    /* the format's, from begin to end */
};

struct check_outcome {
	const struct check_sums *sums;
	const struct merged_findings *found;
	/* the kinds of findings that fail: a bit (1 << enum finding_rule) each */
	unsigned fails_on;
	bool writes_baseline; /* what leaks, grows or is lost stands in it now, and does not */
	const struct suppressions *suppressions;
	const char *const *notes; /* null-terminated sentences about missing symbols */
	char *const *words; /* of the program that was run; null: files were checked */
	int program_status; /* 0 without one */
	int exit_status;    /* what the check is going to return */
};

/* Does it fail the check? What does not is a note or a warning, in every format. */
static inline bool check_fails_on(const struct check_outcome *outcome,
				  const struct merged_finding *finding)
{
	return outcome->fails_on & 1u << finding->rule;
}

/* Begin, each file, end; `end` also after one of the others has failed. Each returns 0 or -ENOMEM; whether
 * the stream has failed its owner knows. `sums` are those of the files before; `found` has the findings
 * of this one already; `source` is the file as the user named it. `begin` and `file` may be null. */
struct check_format {
	const char *name; /* as in --format */
	int (*begin)(struct check_writer *writer);
	int (*file)(struct check_writer *writer, const struct report *report,
		    const struct check_sums *sums, const struct merged_findings *found,
		    const char *source);
	int (*end)(struct check_writer *writer, const struct check_outcome *outcome);
};

/* For a person: what is found, file by file, and the outcome in a line. */
extern const struct check_format check_format_text;
/* seep.check/1: the reports of all files, each with what is found. */
extern const struct check_format check_format_json;
/* JUnit XML: a suite for each program, a test case for each finding, or one that passes. */
extern const struct check_format check_format_junit;
/* SARIF 2.1.0 (OASIS). */
extern const struct check_format check_format_sarif;
/* GitHub's workflow commands; also a table in the file of GITHUB_STEP_SUMMARY, where that is set. */
extern const struct check_format check_format_github;
/* GitLab's code quality report. */
extern const struct check_format check_format_gitlab;
/* The text of Valgrind's memcheck, as far as CTest and others read it. */
extern const struct check_format check_format_valgrind;

#define CHECK_FORMATS "text|json|junit|sarif|github|gitlab|valgrind"
/* In the order of that. */
extern const struct check_format *const check_formats[];

#endif
