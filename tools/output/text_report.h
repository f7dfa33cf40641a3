/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_report: a report or a diff for a person in front of a terminal.
 *
 * Header, conclusion in one line, the sites that need attention in full, the others in two lines
 * each, and what to do next. Never wider than the style's width.
 */
#ifndef SEEP_OUTPUT_TEXT_REPORT_H
#define SEEP_OUTPUT_TEXT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/output/text_style.h"

struct merged_findings;
struct report;

struct text_report_options {
	struct text_style style;
	size_t site_limit; /* 0 for all */
	bool has_full_stacks;
	bool has_findings_only; /* only what is flagged, and no advice what to do next */
	/* Null; of these, which findings somebody has read already, in another report. */
	const struct merged_findings *found;
	const char *source;	  /* as the user named it, for the commands in hints */
	const char *old_source;	  /* diff only: what the older state is called */
	const char *children;	  /* the folder of its child processes' files; may be null */
	size_t children_count;	  /* how many lie there */
	const char *unseen;	  /* what of the program was not seen, or null */
	const char *const *notes; /* null-terminated sentences about missing symbols; may be null */
};

/* Both return 0, -ENOMEM, or -EIO when the stream has failed, whose owner knows why. */
int text_report_write(FILE *stream, const struct report *report,
		      const struct text_report_options *options);
int text_diff_write(FILE *stream, const struct report *report,
		    const struct text_report_options *options);

#endif
