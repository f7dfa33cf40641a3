/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merged_findings: what a check has found in all its processes, where equal findings of several are
 * one.
 *
 * A library that leaks in two hundred test programs is to be mended once. Findings are equal when they
 * are of one kind and of sites with the same id; and where a process has lost all that one place allocates,
 * with what others have lost of that (see lost_place).
 */
#ifndef SEEP_OUTPUT_MERGED_FINDINGS_H
#define SEEP_OUTPUT_MERGED_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/output/finding_brief.h"

struct arena;
struct report;

/* Only those in which something was found; all others are only counted. */
struct found_process {
	uint32_t pid;
	const char *name, *exe;
	const char *const *command;
	size_t command_count;
};

struct merged_finding {
	enum finding_rule rule;
	bool has_ended_program; /* as in a brief, and so are these: */
	const char *id, *limit;
	bool is_of_place; /* what several callers have lost: whose id it has differs from run to run */
	const char *source;	/* its file, or the module where that is not known */
	/* The first of those that have the same rule, id and limit, and the next one; null. */
	const struct merged_finding *first_alike, *next_alike;
	const char *function, *file;
	int line;
	enum severity severity; /* the worst */
	uint64_t bytes, blocks; /* of all processes */
	double bytes_per_hour, value;
	const char *place, *name;
	const char *text;	    /* of the first process */
	const struct frame *frames; /* likewise; functions, files, lines, modules, offsets */
	size_t frame_count;
	const struct found_process **processes; /* in the order in which they were checked */
	size_t process_count, process_room;
	struct merged_finding *next; /* in the order in which they were found; null */
};

/* All processes of one name. */
struct checked_program {
	const char *name;
	size_t process_count;
	uint64_t started_unix_ns;   /* the first of them */
	double span_s;		    /* of all together */
	uint32_t pid;		    /* of the first */
	const char *const *command; /* likewise */
	size_t command_count;
	struct checked_program *next;
};

struct merged_findings {
	struct merged_finding *first;
	struct checked_program *programs;
	size_t counts[FINDING_RULES]; /* findings of each kind */
	uint64_t lost_bytes;
	bool has_places; /* of what is lost some is at several sites that are one finding */
	size_t process_count;		     /* that were checked */
	size_t found_process_count;	     /* in which something was found */
	struct merged_findings_index *index; /* private */
};

struct merged_findings *merged_findings_new(void); /* null without memory */
void merged_findings_free(struct merged_findings *findings);

/* Adds what is flagged in a report, and what of thresholds it has crossed. Returns 0 or -ENOMEM. */
int merged_findings_add(struct merged_findings *findings, const struct report *report);

/* Of the report that was added last: does the entry of this site stand in one that was added before?
 * And how many of its findings do not? */
bool merged_findings_is_repeated(const struct merged_findings *findings,
				 const struct report_site *site);
size_t merged_findings_news(const struct merged_findings *findings);

/* Is there one of the kinds in the set `fails_on`, a bit (1 << enum finding_rule) for each? */
bool merged_findings_fail(const struct merged_findings *findings, unsigned fails_on);

/* "leak: +8.40 MiB/h at session_open server.c:88, in 2 processes". */
void merged_finding_title(const struct merged_finding *finding, char title[FINDING_TITLE_BYTES]);

/* Where it was found, the processes with their commands, and the text of the first. From malloc;
 * null without memory. */
char *merged_finding_text(const struct merged_finding *finding);

/* What stays the same from run to run, for formats that want a fingerprint. */
#define FINDING_FINGERPRINT_BYTES (FINDING_TITLE_BYTES + 96)
void merged_finding_fingerprint(const struct merged_finding *finding,
				char fingerprint[FINDING_FINGERPRINT_BYTES]);

/* "server (4711): ./server --port 80", no longer than `size`, cut where it is. */
void found_process_text(const struct found_process *process, char *text, size_t size);

#endif
