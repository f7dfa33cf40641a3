/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_brief: what the report of one process comes to, in one line.
 *
 * For many processes at once: who reads the fifty files of a build wants to see which of them to
 * look at, not fifty reports.
 */
#ifndef SEEP_OUTPUT_PROCESS_BRIEF_H
#define SEEP_OUTPUT_PROCESS_BRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/output/report_walk.h"

struct report;
struct text_style;

#define PROCESS_BRIEF_NAME_BYTES 32

/* Holds nothing of the report that it was made from. */
struct process_brief {
	char name[PROCESS_BRIEF_NAME_BYTES];
	uint32_t pid;
	size_t depth; /* in a tree of processes, by which its line is indented; 0 unless somebody sets it */
	bool is_running;
	bool is_sampled; /* its figures are estimates */
	double span_s;
	uint64_t live_bytes;
	enum conclusion conclusion;
	size_t flagged_count, growing_count;
	size_t lost_count; /* of those that are flagged */
	uint64_t lost_bytes;
	size_t crossing_count; /* not in the line: who has crossed a threshold needs more than that */
	size_t wrong_free_count; /* likewise: it needs both stacks */
	const char *memory;    /* that it is not as it should be as a whole, in a word; or null */
	double bytes_per_hour; /* of the sites that the conclusion is about */
};

/* Returns 0 or -ENOMEM. */
int process_brief_make(struct process_brief *brief, const struct report *report);

/* As for qsort: what needs attention comes first, in the order of a report's sites: leaks,
 * thresholds and wrong frees, growth, size. */
int process_brief_compare(const struct process_brief *one, const struct process_brief *other);

/* "  cc1 (4713)       3.2 s   12.4 KiB live   too short to judge" */
void process_brief_write(FILE *stream, const struct text_style *style,
			 const struct process_brief *brief);

#endif
