/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold: what somebody has said is too much, and where a run went beyond it.
 *
 * A verdict says what grows for ever; a threshold says what may not be, whatever the reason. Pure
 * functions from a report to a list.
 */
#ifndef SEEP_MODEL_THRESHOLD_H
#define SEEP_MODEL_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

struct profile;
struct report;
struct report_site;

/* In the order of enum seep_alert_kind, which begins with 1. */
enum threshold_kind {
	THRESHOLD_GROWTH,      /* of the live bytes of the process, bytes an hour */
	THRESHOLD_LIVE,	       /* bytes, in any snapshot */
	THRESHOLD_HEAP_SHARE,  /* live bytes as a part of what is resident, in any snapshot */
	THRESHOLD_SITE_GROWTH, /* the same of one site */
	THRESHOLD_SITE_LIVE,
};
#define THRESHOLD_KINDS 5u

/* For the sites with a function on their stack that this glob matches. */
struct threshold_rule {
	char *function;
	double limits[THRESHOLD_KINDS]; /* as those of struct thresholds */
};

struct thresholds {
	double limits[THRESHOLD_KINDS]; /* INFINITY: none; NAN: nobody said anything */
	/* Of the rules for a site the first one counts that says something. */
	const struct threshold_rule *rules;
	size_t rule_count;
};

struct crossing {
	enum threshold_kind kind;
	const struct report_site *site; /* one of the report's; null for the process */
	double value, limit;
	double at_s; /* since when, in seconds since the start of the run; NAN where unknown */
};

void thresholds_clear(struct thresholds *thresholds);

/* `thresholds`, and where they say nothing those that the program itself was given, as far as its
 * alerts tell. */
struct thresholds thresholds_with_logged(const struct thresholds *thresholds,
					 const struct profile *profile);

/* May this site be beyond a threshold? For report_options.is_kept, with the thresholds as
 * context; does not look at functions. */
bool thresholds_concern_site(const struct report_site *site, const void *thresholds);

/* Do they depend on the functions of stacks? Then symbols must be filled in before they are
 * checked. */
bool thresholds_need_symbols(const struct thresholds *thresholds);

/* Makes the list in report->crossings: first the process, then sites in the order of the
 * report. Only what the report is about counts. Returns 0 or -ENOMEM. */
int thresholds_check(const struct thresholds *thresholds, struct report *report);

const char *threshold_name(enum threshold_kind kind); /* "site_growth", as in JSON */

#endif
