/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_window: the part of a run in which the memory of the whole process is looked at.
 *
 * Without start-up, and without the last word of a process that ended: that may be of a program which
 * has tidied up.
 */
#ifndef SEEP_MODEL_MEMORY_WINDOW_H
#define SEEP_MODEL_MEMORY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/model/memory_part.h"
#include "tools/model/trend.h"

struct profile;
struct snapshot;

struct memory_window {
	const struct snapshot *snapshots; /* all of the profile */
	size_t first, last;		  /* indices */
	bool is_enough;			  /* to measure growth */
	double resident;		  /* without seep: the median; 0 where unknown */
};

/* The values of a part where they are known; of more than TREND_MAX_POINTS snapshots those that stand for
 * equal parts of the time. */
struct memory_series {
	double t_s[TREND_MAX_POINTS], bytes[TREND_MAX_POINTS];
	size_t count;
};

/* Of the snapshots with the indices `first` to `last`. */
struct memory_window memory_window_of(const struct profile *profile, size_t first, size_t last);

double memory_window_span(const struct memory_window *window); /* seconds */

void memory_window_series(const struct memory_window *window, enum memory_part part,
			  struct memory_series *series);
/* What is resident without seep, which the program is not to be blamed for. */
void memory_window_resident(const struct memory_window *window, struct memory_series *series);

/* The least that the part had at any moment after the share `since` of the time; 0 where it is not known
 * of one of them. */
double memory_window_least(const struct memory_window *window, enum memory_part part, double since);

#endif
