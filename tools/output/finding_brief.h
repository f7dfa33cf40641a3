/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_brief: what fails a check, taken apart into what formats for machines ask for.
 *
 * One for each flagged site or group of sites, and one for each threshold that was crossed.
 */
#ifndef SEEP_OUTPUT_FINDING_BRIEF_H
#define SEEP_OUTPUT_FINDING_BRIEF_H

#include <stddef.h>

#include "tools/model/report.h"

#define FINDING_TITLE_BYTES 512

struct finding_brief {
	const char *rule; /* one of finding_rules */
	const char *id;	  /* of the site, the same after a rebuild; "" where it has none */
	const char *limit; /* of a threshold: which, as in "site_growth"; null */
	/* Of the program's own frame that allocates; null and 0 where unknown. */
	const char *function, *file;
	int line;
	enum severity severity;
	char name[FINDING_TITLE_BYTES];	 /* "leak at session_open (server.c)": the same in each run */
	char title[FINDING_TITLE_BYTES]; /* "leak: +4.20 MiB/h at session_open server.c:88" */
	char *text;			 /* the reasons and the stack, in lines */
	const struct report_site *site;	 /* whose stack it is; null where there is none */
};

/* The kinds of findings, for formats that want them declared. */
struct finding_rule {
	const char *name;
	const char *summary; /* a sentence */
};
extern const struct finding_rule finding_rules[];
extern const size_t finding_rule_count;

/* Called for each in the order of the report; the brief is gone afterwards. A result other than 0 ends the
 * walk and is returned; -ENOMEM without memory. */
typedef int finding_visitor(const struct finding_brief *brief, size_t number, void *context);
int finding_brief_walk(const struct report *report, finding_visitor *visit, void *context);

/* How many there are. */
size_t finding_brief_count(const struct report *report);

/* The path as seen from `folder`, where it lies below that; otherwise the path itself, without "./". */
const char *finding_path_below(const char *path, const char *folder);

#endif
