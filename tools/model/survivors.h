/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survivors: which blocks of a site live on when they have reached an age.
 *
 * What tells a leak from everything else that grows: there is an age that blocks reach again and
 * again and after which they do not die. Sessions and caches go on dying at every age, a table that
 * warms up is reached by ever fewer, a pool by none. So the blocks of a series are looked at as those
 * of a population: how many of each period of birth reach the age (arrivals), and how many of these
 * are kept. After the idea of counting generations by site: V. Sor, S. N. Srirama, "A Statistical
 * Approach for Identifying Memory Leaks in Cloud Applications" (2011); A. Andrzejak, F. Eichler,
 * M. Ghanavati, "Detection of Memory Leaks in C/C++ Code via Machine Learning" (2017).
 */
#ifndef SEEP_MODEL_SURVIVORS_H
#define SEEP_MODEL_SURVIVORS_H

#include <stddef.h>

#include "tools/model/cohort_series.h"

/* Which part of a series is judged; the same for all ages. */
struct survey {
	const struct cohort_series *series;
	size_t first; /* the first period whose births are judged; start-up lies before it */
	size_t then;  /* the step some time before the last one, from which on deaths of old blocks
		       * are counted */
};

/* `startup_share` and `recent_share` are parts of the time of the series. */
struct survey survey_make(const struct cohort_series *series, double startup_share,
			  double recent_share);

/* Allocations of the site in the periods that are judged. */
double survey_births(const struct survey *survey);

/* Do blocks live ever longer? Of the births of each period a larger part comes to one of the ages (in
 * steps before the last one, the youngest first), as surely as `z` says. */
bool survey_lives_lengthen(const struct survey *survey, const size_t *ages, size_t count, double z);

struct survivors {
	const double *clock; /* of the series: its time_s or its births */
	double age;	     /* by that clock */
	double age_s;	     /* the same in time, as it is at the end of the run */
	size_t first,
		end; /* periods [first, end) can have reached the age; none when they are equal */
	double arrivals[SERIES_MAX_STEPS]; /* of period first + i: how many reached the age */
	double arrived;			   /* all of them */
	double kept[SERIES_MAX_STEPS]; /* how many of these still live; those of a merged cohort are
					* shared out among its periods as they arrived */
	size_t periods; /* how many of them have a block that reached the age and still lives, as far
			 * as known */
	/* Shares that are kept, 0 to 1. Those of few blocks are shrunk: towards 0, or towards 1 where
	 * 1 means "nothing speaks against it". */
	double kept_on_mean; /* of what reached the age, by cohort, where twice the age has passed */
	double kept_of_oldest; /* the same, all blocks of the oldest third of periods; towards 1 */
	double kept_lately;    /* of what was older than the age `then` */
	double kept_lately_on_mean; /* the same, by cohort */
	/* What all blocks older than the age came to: their number at each step from `start` on. */
	size_t start;
	double aged[SERIES_MAX_STEPS]; /* of step start + i */
	double gain;		       /* their growth, as a part of what arrived and still lives */
	double late_gain;	       /* the same in the last third of the time */
};

/* The age is that of the period `steps` before the last one. Returns false when the run is too short
 * for it. */
bool survivors_at(struct survivors *survivors, const struct survey *survey, size_t steps);
/* The same, where the age is so many allocations of the site: a share of all after the first step. */
bool survivors_at_births(struct survivors *survivors, const struct survey *survey, double share);

/* How many of each period from 1 on reached the age, also of those before `first`, into `arrivals`;
 * returns how many periods that are. */
size_t survivors_all_arrivals(const struct survivors *survivors, const struct cohort_series *series,
			      double *arrivals);

/* The newest period whose births have reached the age at `step`; 0 where none has. */
size_t survivors_birth_step(const struct survivors *survivors, size_t step);

#endif
