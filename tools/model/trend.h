/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trend: does a series rise, and how fast? Statistics that a few odd values do not move.
 */
#ifndef SEEP_MODEL_TREND_H
#define SEEP_MODEL_TREND_H

#include <stddef.h>

#define TREND_MAX_POINTS 64

/* A z above these is no chance, one-sided. */
#define TREND_SURELY 1.645	/* 5 % */
#define TREND_VERY_SURELY 2.326 /* 1 % */

/* Mann-Kendall: how sure is it that later values are larger than earlier ones? `z` is normally
 * distributed where there is no trend; positive where the values rise. */
struct trend_test {
	double s;	 /* pairs that rise minus pairs that fall */
	double variance; /* of s where there is no trend, ties considered */
	double z;
};

struct trend_test trend_mann_kendall(const double *values, size_t count);

/* Is the mean of the changes above 0? Student's t as a normally distributed number. Unlike a test of
 * the values it does not take the wandering of a random walk for a trend. */
double trend_drift(const double *values, size_t count);

/* Theil-Sen: the median slope over all pairs, with Sen's 95% interval. */
struct trend_slope {
	double per_unit; /* of time */
	double low, high;
};

/* `count` is at most TREND_MAX_POINTS; `test` is of the same values. Times rise. */
struct trend_slope trend_theil_sen(const double *times, const double *values, size_t count,
				   const struct trend_test *test);

/* Where a series that was level began to rise: the index of the last level point. The kink of the
 * best fitting "level, then straight line"; 0 when it rose from the beginning, also when a kink does
 * not fit clearly better than a line. */
size_t trend_kink(const double *times, const double *values, size_t count);

/* Pearson's correlation of each value with the next one. */
double trend_autocorrelation(const double *values, size_t count);

/* The probability that a normally distributed number is less than z. */
double trend_probability(double z);

#endif
