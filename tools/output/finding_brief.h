/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_brief: what fails a check, taken apart into what formats for machines ask for.
 *
 * One for each flagged site or group of sites, one for each threshold that was crossed, and one for each wrong
 * free.
 */
#ifndef SEEP_OUTPUT_FINDING_BRIEF_H
#define SEEP_OUTPUT_FINDING_BRIEF_H

#include <stddef.h>
#include <stdint.h>

#include "tools/model/report.h"

#define FINDING_TITLE_BYTES 512

/* The kinds of findings. */
enum finding_rule {
	FINDING_RULE_LOST,   /* nothing points to it any more */
	FINDING_RULE_LEAK,   /* accumulates, and can still be reached as far as is known */
	FINDING_RULE_GROWTH, /* grows and is not decided yet: only where report_options asks for it */
	FINDING_RULE_BUDGET, /* a threshold that was crossed */
	FINDING_RULE_MISUSE, /* freed by another family than it was allocated with */
	FINDING_RULES
};

struct finding_brief {
	enum finding_rule rule;
	bool has_ended_program; /* of a misuse: it is the free that did so */
	const char *id;	  /* of the site, the same after a rebuild; "" where it has none */
	const char *limit; /* of a threshold: which, as in "site_growth"; null */
	/* Of the program's own frame that allocates, or that frees wrongly; null and 0 where unknown. */
	const char *function, *file;
	int line;
	enum severity severity;
	/* How much: of what is lost that, else what is live; 0 of the process's thresholds. */
	uint64_t bytes, blocks;
	double bytes_per_hour;	       /* 0: that says nothing of it */
	double value;		       /* of a threshold: what was more than the limit */
	char place[FINDING_TITLE_BYTES - 64]; /* "session_open server.c:88"; of a threshold, and a wrong
						 * free, all that it says */
	char name[FINDING_TITLE_BYTES];	 /* "leak at session_open (server.c)": the same in each run */
	char *text;			 /* the reasons and the stack, in lines */
	const struct report_site *site;	 /* whose stack it is; null where there is none */
};

/* "leak: +4.20 MiB/h at session_open server.c:88". */
void finding_title(enum finding_rule rule, uint64_t bytes, uint64_t blocks, double bytes_per_hour,
		   const char *place, char title[FINDING_TITLE_BYTES]);

/* What formats call the kinds, and a sentence for those that want them declared. */
struct finding_rule_text {
	const char *name;
	const char *word; /* of --fail-on */
	const char *summary;
};
extern const struct finding_rule_text finding_rules[FINDING_RULES];

/* Called for each in the order of the report; the brief is gone afterwards. A result other than 0 ends the
 * walk and is returned; -ENOMEM without memory. */
typedef int finding_visitor(const struct finding_brief *brief, size_t number, void *context);
int finding_brief_walk(const struct report *report, finding_visitor *visit, void *context);

/* The path as seen from `folder`, where it lies below that; otherwise the path itself, without "./". */
const char *finding_path_below(const char *path, const char *folder);

#endif
