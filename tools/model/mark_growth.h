/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark_growth: what grows from one mark to the next of the same label. Pure functions.
 *
 * Whoever marks a program says that it is in the same state again, so whatever was only in use has been
 * given back: what is more than last time has stayed. That needs no ages and no dozen of snapshots: M.
 * Vilk, E. D. Berger, "BLeak: Automatically Debugging Memory Leaks in Web Applications" (PLDI 2018)
 * takes what grows in every round trip for a leak.
 */
#ifndef SEEP_MODEL_MARK_GROWTH_H
#define SEEP_MODEL_MARK_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/model/trend.h"

#define MARK_SERIES_MAX TREND_MAX_POINTS

/* What was live of one site at the marks of one label. */
struct mark_series {
	size_t count;
	double snapshot[MARK_SERIES_MAX]; /* its index: how far the run had come, in periods */
	double time_s[MARK_SERIES_MAX], blocks[MARK_SERIES_MAX], bytes[MARK_SERIES_MAX];
};

/* What they say. A leak is what rises and keeps its pace. */
struct mark_growth {
	bool is_rising;	   /* in nearly every step, and not clearly slower than in the beginning */
	bool keeps_pace;   /* it is sure that it is no slower */
	bool is_slowing;   /* it is sure that it is slower */
	double certainty;  /* of the pace, 0 to 1 */
	double p;	   /* that it would rise like this by chance; NAN: nothing ever changed */
	bool is_of_length; /* not more blocks, but longer ones */
	size_t from;	   /* the value from which on it was asked: 0, or the middle */
	size_t steps;	   /* from one mark to the next, from there on … */
	size_t grew;	   /* … and those in which more came than went */
	/* Only of what rises. */
	double low,
		high; /* how much more in such a step, quartiles: blocks, or bytes of what is longer */
	struct trend_slope blocks, bytes; /* per second */
};

struct mark_growth mark_growth_of(const struct mark_series *series);

/* How fast somebody says that the site grows. */
struct growth_claim {
	double blocks_per_s, bytes_per_s;
	bool is_of_length;	    /* then only the bytes count */
	double events_per_snapshot; /* so often something was added */
};

/* Do the marks contradict that? When what came to stay over the last half of them is, at the most (upper
 * end of Sen's interval), less than half of it, and so much was to be expected that it is no chance. */
bool mark_growth_contradicts(const struct mark_series *series, const struct growth_claim *claim);

#endif
