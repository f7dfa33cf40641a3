/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: from the series of one site to a word, a rate and a confidence. Pure functions.
 *
 * For now a simple, honest rule: a site leaks when its *aged* blocks (born well before the snapshot
 * that sees them) keep growing over the later snapshots. The rule is behind this interface so that
 * a better one only replaces verdict.c.
 */
#ifndef SEEP_MODEL_VERDICT_H
#define SEEP_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct site;

/* In rising order of urgency. */
enum verdict {
	VERDICT_STABLE,
	VERDICT_UNFREED, /* the run was too short to judge growth; live at its end */
	VERDICT_PERIODIC,
	VERDICT_PLATEAU,
	VERDICT_SATURATING,
	VERDICT_GROWING,
	VERDICT_LEAK,
	VERDICT_LOST,
};

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

struct growth {
	double bytes_per_hour;
	double bytes_per_hour_ci95[2];
	double blocks_per_hour;
	double since_s;         /* when the growth began, in seconds since the start of the run */
	double time_to_limit_s; /* NAN where unknown */
};

struct judgement {
	enum verdict verdict;
	bool is_flagged; /* lost and leak */
	double confidence; /* 0 to 1 */
	enum severity severity;
	struct growth growth;
	unsigned snapshots_needed; /* for VERDICT_GROWING: how many more would decide; else 0 */
};

/* Judges one site over snapshots [first, last] (indices). */
struct judgement verdict_judge(const struct profile *profile, const struct site *site,
                               size_t first, size_t last);

const char *verdict_name(enum verdict verdict);   /* "leak", as in JSON */
const char *severity_name(enum severity severity);

#endif
