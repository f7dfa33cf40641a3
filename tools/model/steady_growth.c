/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steady_growth: see the questions in the header.
 */
#include "tools/model/steady_growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/live_shape.h"
#include "tools/model/trend.h"

/* Five parts of a process are asked about, and one wrong answer in twenty is allowed (Bonferroni). */
#define BEYOND_CHANCE TREND_VERY_SURELY
#define STEPS 8
#define SECOND_HALF_LEAST 0.6
#define LAST_THIRD_LEAST 0.4

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static double median_of(const double *values, size_t count)
{
	double sorted[TREND_MAX_POINTS];
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* The first value that is not before this part of the time. */
static size_t index_at(const double *times, size_t count, double share)
{
	double moment = times[0] + share * (times[count - 1] - times[0]);
	size_t index = 0;
	while (index < count && times[index] < moment)
		index++;
	return index;
}

/* The medians of equal parts of the time; of a part without values none. */
static size_t take_steps(const double *times, const double *values, size_t count, double *steps)
{
	size_t made = 0, begin = 0;
	for (size_t i = 1; i <= STEPS; i++) {
		size_t end = i < STEPS ? index_at(times, count, (double)i / STEPS) : count;
		if (end > begin)
			steps[made++] = median_of(values + begin, end - begin);
		begin = end;
	}
	return made;
}

static double slope_of(const double *times, const double *values, size_t first, size_t end)
{
	struct trend_test test = trend_mann_kendall(values + first, end - first);
	return trend_theil_sen(times + first, values + first, end - first, &test).per_unit;
}

static bool reaches_new_highs(const double *values, size_t half, size_t third, size_t count)
{
	double highest = values[0];
	for (size_t i = 1; i < half; i++)
		highest = fmax(highest, values[i]);
	return median_of(values + third, count - third) > highest;
}

static bool keeps_pace(const double *times, const double *values, size_t half, size_t third,
		       size_t count, double whole)
{
	return slope_of(times, values, half, count) >=
		       SECOND_HALF_LEAST * slope_of(times, values, 0, half) &&
	       slope_of(times, values, third, count) >= LAST_THIRD_LEAST * whole;
}

struct steady_growth steady_growth_of(const double *times, const double *values, size_t count)
{
	struct steady_growth growth = {.is_measured = false};
	double steps[STEPS], usual[TREND_MAX_POINTS];
	if (count > TREND_MAX_POINTS)
		count = TREND_MAX_POINTS;
	if (count < STEADY_GROWTH_MIN_POINTS || !(times[count - 1] > times[0]))
		return growth;

	struct trend_test test = trend_mann_kendall(values, count);
	struct trend_slope slope = trend_theil_sen(times, values, count, &test);
	growth.is_measured = true;
	growth.per_second = slope.per_unit;
	growth.low = slope.low;
	growth.high = slope.high;
	growth.grown = slope.per_unit * (times[count - 1] - times[0]);

	/* What is only there at one moment has no part in the rest. */
	for (size_t i = 0; i < count; i++)
		usual[i] = live_shape_without_outlier(values, count, i);
	double z = fmin(test.z, trend_drift(steps, take_steps(times, usual, count, steps)));
	size_t half = index_at(times, count, 0.5), third = index_at(times, count, 2.0 / 3);
	growth.confidence = trend_probability(z);
	growth.goes_on = z >= BEYOND_CHANCE && slope.low > 0 && half >= 3 && count - third >= 3 &&
			 reaches_new_highs(usual, half, third, count) &&
			 keeps_pace(times, values, half, third, count, slope.per_unit);
	return growth;
}
