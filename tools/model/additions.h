/* SPDX-License-Identifier: Apache-2.0 */
/*
 * additions: what was added in each period, and whether it goes on.
 *
 * How far a period is from the last one is told by a clock: of time, of the work that the program does,
 * of what the site itself allocates. Less that is added because there was less to do is no slowing down.
 */
#ifndef SEEP_MODEL_ADDITIONS_H
#define SEEP_MODEL_ADDITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/model/cohort_series.h"
#include "tools/model/pace.h"
#include "tools/model/verdict.h"

/* Of periods [first, first + count); `first` is at least 1. */
struct additions {
	const struct cohort_series *series;
	size_t first, count;
	const double *amounts;
	size_t clocks; /* that may explain it: 2, or 3 with CLOCK_OWN, where most is not kept */
};

/* Of each step how far the clock has come. */
const double *additions_clock(const struct cohort_series *series, enum verdict_clock clock);

/* The pace of amounts of periods from `first` on, by one clock. */
struct pace additions_fit(const double *clock, size_t first, const double *amounts, size_t count);

/* The pace by the clock that makes it steadiest, of those that make it nearly as even as the best one:
 * another one must be better than `gain` times its dispersion. */
struct pace additions_pace(const struct additions *additions, double gain,
			   enum verdict_clock *chosen);

/* Nothing came in the last part, by any clock, and that is less likely to be chance than `chance`. */
bool additions_have_ended(const struct additions *additions, double dispersion, double chance);

#endif
