/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steady_growth: does a figure of the whole process keep growing?
 *
 * Of the whole there are no births and deaths as of a site's blocks (see rise.c), only the figure
 * itself, with all its traffic. So growth must stand out of what the figure does anyway, and go on:
 *
 *   chance     Mann-Kendall of all values, and the drift of their medians over eight parts of the time,
 *              which takes neither a random walk nor a single step for a trend
 *   new highs  the last third is above everything in the first half: not a wave
 *   pace       the second half rises at least 0.6 times as fast as the first, and the last third at
 *              least 0.4 times as fast as the whole: not a warm-up, nor a cache that is nearly full
 */
#ifndef SEEP_MODEL_STEADY_GROWTH_H
#define SEEP_MODEL_STEADY_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

/* With fewer values nothing is measured. */
#define STEADY_GROWTH_MIN_POINTS 10

struct steady_growth {
	bool is_measured;
	bool goes_on;	   /* it keeps growing */
	double per_second; /* Theil-Sen, with Sen's 95 % interval */
	double low, high;
	double grown;	   /* what that comes to over the time that was looked at */
	double confidence; /* that it is no chance, 0 to 1 */
};

/* `count` values at rising times, at most TREND_MAX_POINTS, without those of start-up. */
struct steady_growth steady_growth_of(const double *times, const double *values, size_t count);

#endif
