/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: from the cohorts of one site to a word, a rate, a confidence and the reasons. Pure
 * functions: no files, no memory but the caller's, the same answer for the same numbers.
 *
 * A site leaks when there is an age that its blocks reach again and again, after which they are kept
 * and go on adding up, no slower than in the beginning. rise.c asks that; survivors, pace and trend
 * measure it. What is decided about one site among thousands is in false_discovery.
 */
#ifndef SEEP_MODEL_VERDICT_H
#define SEEP_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/mark_judgement.h"

struct cohort_series;
struct profile;
struct site;

/* Fewer flag nothing: nine of ten simulated sites that would be flagged leak, which is too few. Of
 * those with so many snapshots 97 % do. */
#define VERDICT_MIN_SNAPSHOTS 12

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
	double since_s;		/* when the growth began, in seconds since the start of the run */
	double time_to_limit_s; /* NAN where unknown */
};

/* What goes in step with what a site keeps. */
enum verdict_clock {
	CLOCK_TIME,
	CLOCK_WORK, /* allocations of all other sites */
	CLOCK_OWN,  /* allocations of this site */
};

/* Why. Numbers for a sentence or two, of the judged part of the run. */
struct verdict_evidence {
	bool is_of_length;	    /* blocks stay as many and become longer … */
	bool is_of_chunks;	    /* … or each new one is longer than those before it */
	bool is_of_backlog;	    /* ever more live, though none is known to be kept */
	double age_s;		    /* blocks that have reached this age are kept */
	unsigned periods;	    /* periods whose blocks had the time to reach it … */
	unsigned periods_that_kept; /* … and those that left some behind */
	double kept_low, kept_high; /* what such a period left, blocks: quartiles */
	double births;		    /* allocations in those periods */
	double freed;		    /* of these */
	double freed_within_s; /* nearly all that were freed at all were by this age; NAN: none was */
	double kept_lately; /* share of what was older than age_s some time ago that is still there */
	enum verdict_clock clock;
	double decline, decline_error; /* see pace.h; 0: as fast as ever; NAN: never asked */
	bool is_slowing; /* of a growing site: ever less comes, and whether that ends is not known */
	double drift_p; /* that the old blocks would add up like this by chance; NAN: nothing to test */
};

struct judgement {
	enum verdict verdict;
	bool is_flagged;   /* lost and leak */
	bool is_minor;	   /* a leak that does not matter beside what else grows, see weight.h */
	double confidence; /* 0 to 1 */
	enum severity severity;
	struct growth growth;
	unsigned snapshots_needed; /* for VERDICT_GROWING: how many more would decide; else 0 */
	struct verdict_evidence evidence;
	struct mark_evidence marks;
};

/*
 * The constants, each with its value and its reason. tests/corpus/simulated/README.md shows what
 * half and twice of each does.
 *
 *   startup_share    start-up fills tables, and nobody calls that growth
 *   recent_share     deaths of old blocks are counted over this last part of the run: long enough
 *                    that a sweep of a cache falls into it, short enough to leave births before it
 *   kept             so much of what is old must be kept, and of the growth remain: a good half,
 *                    because with less the deaths would overtake the births in time
 *   kept_of_any      the same of any one age and of the oldest births, which are few
 *   pure             above it the blocks that reach the age are the kept ones, hardly any others,
 *                    and their pace is final
 *   pure_oldest      and so much of the oldest of them is kept: else those that died since made the
 *                    beginning look faster than it was
 *   periods          so many periods must have left something: as many as a coin needs to fall
 *                    on one side to be suspected (1/32)
 *   decline          how much slower a leak may seem to become (exponent over the judged time),
 *                    plus what chance may add (one-sided 5 %); a warm-up whose e-folding time is a third of it has 3
 *   slowest          and never more than this: at the end less than a quarter of the first pace. What may
 *                    be slower, but not so slow, may stop or go on: nobody is told that it saturates
 *   decline_error    with a larger error nothing is known of the pace
 *   clock_gain       another clock than time must explain the pace better by this
 *   own_share        the site's own allocations say nothing of load when this part of them is kept: as good
 *                    as every second one, which may be what it makes for each piece of work
 *   ended            nothing more in the last part is no chance when it is less likely than this
 *   even             a backlog grows evenly when what comes declines, at most (one-sided 5 %), by this
 *                    part of what a rate of 1/t would
 *   rise             how sure each single rise must be (z, one-sided 5 %)
 *   certain          how sure a rise must be (z) that nothing but itself speaks for: it stands out of some
 *                    thousand sites
 *   level            what lives beside the old blocks is level when it varies by less than this part of
 *                    how they do: less asks for no traffic
 *   step             so many times longer is what makes a vector or an arena larger; others grow bit by bit
 *   climbs           so much of what a backlog grew by is more than there was before, and remains: a
 *                    queue that only happens to be long wanders
 *   latest           a backlog may begin up to this part of the run: then enough is left to show that it
 *                    goes on
 *   more_load        if so much more is allocated at the end than in the beginning, that may be why
 *   confidence       nothing is flagged that is less sure: of that half is no leak, and one in eighty of all
 *                    else, in 1,860 runs of 96 programs that have nothing to do with the corpus
 */
#define VERDICT_LIMITS(X)                                                                          \
	X(startup_share, 0.15)                                                                     \
	X(recent_share, 0.25)                                                                      \
	X(kept, 0.6)                                                                               \
	X(kept_of_any, 0.3)                                                                        \
	X(pure, 0.7)                                                                               \
	X(pure_oldest, 0.95)                                                                       \
	X(periods, 5)                                                                              \
	X(decline, 0.4)                                                                            \
	X(slowest, 1.5)                                                                            \
	X(decline_error, 1.5)                                                                      \
	X(clock_gain, 0.8)                                                                         \
	X(own_share, 0.45)                                                                         \
	X(ended, 0.02)                                                                             \
	X(even, 0.5)                                                                               \
	X(rise, 1.645)                                                                             \
	X(certain, 4)                                                                              \
	X(level, 0.5)                                                                              \
	X(step, 1.2)                                                                               \
	X(climbs, 0.8)                                                                             \
	X(latest, 0.6)                                                                             \
	X(more_load, 0.3)                                                                          \
	X(confidence, 0.6)

struct verdict_limits {
#define VERDICT_LIMIT(name, value) double name;
	VERDICT_LIMITS(VERDICT_LIMIT)
#undef VERDICT_LIMIT
};

extern const struct verdict_limits verdict_limits;

/* Judges one site over snapshots [first, last] (indices). */
struct judgement verdict_judge(const struct profile *profile, const struct site *site, size_t first,
			       size_t last);

/* Judges a series, of a site or of a group of sites; with other limits where `limits` is not null. */
struct judgement verdict_judge_series(const struct cohort_series *series,
				      const struct verdict_limits *limits);

/* A leak, or what may be one: it does not come ever slower. */
bool verdict_may_go_on(const struct judgement *judgement);

/* Sets time_to_limit_s, and the severity by it, for a process that uses `used_bytes` of the
 * `limit_bytes` that it may (of the machine, its cgroup or its rlimit). */
void verdict_set_limit(struct judgement *judgement, double used_bytes, double limit_bytes);

/* Makes a leak a growing site again: it did not stand out among all that were judged. */
void verdict_withdraw(struct judgement *judgement, size_t snapshot_count);

/* Makes a site whose growth is known a leak, for reasons that lie outside. */
void verdict_establish(struct judgement *judgement, double confidence);

const char *verdict_name(enum verdict verdict); /* "leak", as in JSON */
const char *severity_name(enum severity severity);

#endif
