/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_shape: what the live blocks and bytes of a site do, where nothing accumulates.
 */
#include "tools/model/live_shape.h"

#include <math.h>

#include "tools/model/cohort_series.h"
#include "tools/model/trend.h"

#define LEAST_LENGTHS 5 /* in whose order there is something to see */

#define CLOSE_TO_THE_NEXT 0.3 /* autocorrelation; of noise it is 0 */

bool live_shape_is_periodic(const struct cohort_series *series)
{
	double least = INFINITY, most = 0;
	for (size_t i = 0; i < series->count; i++) {
		least = fmin(least, series->live_blocks[i]);
		most = fmax(most, series->live_blocks[i]);
	}
	double swing = (most - least) / 2;
	if (most - least < most / 2 || most - least < 4)
		return false;

	unsigned turns = 0;
	bool is_up = false;
	double turn = series->live_blocks[0];
	for (size_t i = 1; i < series->count; i++) {
		double value = series->live_blocks[i];
		if (is_up ? value <= turn - swing : value >= turn + swing) {
			turns++;
			is_up = !is_up;
			turn = value;
		} else if (is_up ? value > turn : value < turn) {
			turn = value;
		}
	}
	return turns >= 4 &&
	       trend_autocorrelation(series->live_blocks, series->count) >= CLOSE_TO_THE_NEXT;
}

static double mean_of(const double *values, size_t from, size_t to)
{
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += values[i];
	return to > from ? sum / (double)(to - from) : 0;
}

bool live_shape_grew_before(const struct cohort_series *series, size_t first)
{
	size_t early = series->count / 6 > 1 ? series->count / 6 : 1;
	double now = mean_of(series->live_bytes, first, series->count);
	double then = mean_of(series->live_bytes, 0, early);
	double last = series->live_bytes[series->count - 1];
	return now > 0 && last > now / 2 && then < now * 2 / 3;
}

double live_shape_without_outlier(const double *values, size_t count, size_t at)
{
	if (at == 0 || at + 1 >= count)
		return values[at];
	double low = fmin(values[at - 1], values[at + 1]);
	double high = fmax(values[at - 1], values[at + 1]);
	return fmax(low, fmin(high, values[at]));
}

double live_shape_bytes_of_count(const struct cohort_series *series, size_t first)
{
	double least = INFINITY, most = 0;
	const size_t last = series->count - 1;
	for (size_t i = first; i <= last; i++) {
		double blocks = live_shape_without_outlier(series->live_blocks, series->count, i);
		least = fmin(least, blocks);
		most = fmax(most, blocks);
	}
	double births = series->births[last] - series->births[first - 1];
	double bytes = series->birth_bytes[last] - series->birth_bytes[first - 1];
	return births > 0 ? fmax(0, most - least) * bytes / births : 0;
}

bool live_shape_is_born_longer(const struct cohort_series *series, size_t first)
{
	double lengths[SERIES_MAX_STEPS];
	size_t count = 0;
	for (size_t i = first; i < series->count; i++) {
		double births = series->births[i] - series->births[i - 1];
		if (births > 0)
			lengths[count++] =
				(series->birth_bytes[i] - series->birth_bytes[i - 1]) / births;
	}
	return count < LEAST_LENGTHS || trend_mann_kendall(lengths, count).z >= TREND_SURELY;
}

static double spread_of(const double *values, size_t count)
{
	double mean = mean_of(values, 0, count), squares = 0;
	for (size_t i = 0; i < count; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	return sqrt(squares / (double)count);
}

bool live_shape_is_level_beside(const double *whole, const double *part, size_t count, double most)
{
	for (size_t i = 0; i < count; i++)
		if (whole[i] < part[i])
			return false; /* it is no part of that */
	if (count < 3 || spread_of(whole, count) >= most * spread_of(part, count))
		return false;
	return fmin(trend_mann_kendall(whole, count).z, trend_drift(whole, count)) < TREND_SURELY;
}
