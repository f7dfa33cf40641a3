/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_trend: how fast the live bytes of the process grow.
 *
 * The estimator is Theil's and Sen's, the median of all slopes between two points, because a few
 * odd values do not move it: a burst of requests, or all that a program frees as it ends. Whether
 * it rises at all is asked of the lower end of Sen's interval (see tools/model/trend.c, which has
 * the sources; here ties count as if they were none, which makes the interval wider). All in
 * integers, for the library has no floating point.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static: 16 KiB for the slopes, too much for the stack of a thread
 *   Calls     nothing
 *   Failure   none
 */
#include "lib/snapshot/live_trend.h"

#include <stddef.h>

#include "lib/base/poison.h"

#define PAIRS_MAX (LIVE_TREND_POINTS * (LIVE_TREND_POINTS - 1) / 2)
#define KEPT_AT_LEAST 48u   /* when points are dropped, so many spacings are left */
#define STARTUP_PERCENT 15u /* as in the verdicts: start-up fills tables */
#define HOUR_NS 3600000000000ll

static int64_t slopes[PAIRS_MAX]; /* of the call that is under way */

/* Drops points until those that are left are `spacing_ns` apart. The first one stays. */
static void spread(struct live_trend *trend)
{
	uint32_t kept = 1;

	for (uint32_t i = 1; i < trend->count; i++)
		if (trend->points[i].time_ns - trend->points[kept - 1].time_ns >= trend->spacing_ns)
			trend->points[kept++] = trend->points[i];
	trend->count = kept;
}

void live_trend_add(struct live_trend *trend, uint64_t time_ns, uint64_t bytes)
{
	const struct live_point *points = trend->points;
	uint32_t count = trend->count;

	/* Between two moments that are one there is no slope. */
	if (count > 0 && time_ns <= points[count - 1].time_ns)
		return;
	/* The newest was only kept for being the newest. */
	if (count > 1 && points[count - 1].time_ns - points[count - 2].time_ns < trend->spacing_ns)
		trend->count--;
	if (trend->count == LIVE_TREND_POINTS) {
		trend->spacing_ns = (time_ns - trend->points[0].time_ns) / KEPT_AT_LEAST;
		spread(trend);
	}
	trend->points[trend->count++] = (struct live_point){.time_ns = time_ns, .bytes = bytes};
}

static int64_t slope_between(const struct live_point *one, const struct live_point *other)
{
	__int128 slope = ((__int128)other->bytes - one->bytes) * HOUR_NS /
			 (int64_t)(other->time_ns - one->time_ns);

	return slope > INT64_MAX ? INT64_MAX : slope < -INT64_MAX ? -INT64_MAX : (int64_t)slope;
}

/* The value that would stand at `index` if the first `count` slopes were sorted. Hoare's Find, with
 * the middle one as pivot. */
static int64_t slope_at(size_t count, size_t index)
{
	size_t first = 0, last = count - 1;

	while (first < last) {
		int64_t pivot = slopes[first + (last - first) / 2];
		size_t low = first, high = last;

		for (;;) {
			int64_t other;

			while (slopes[low] < pivot)
				low++;
			while (slopes[high] > pivot)
				high--;
			if (low >= high)
				break;
			other = slopes[low];
			slopes[low++] = slopes[high];
			slopes[high--] = other;
		}
		if (slopes[high] > pivot)
			high--;
		if (index <= high)
			last = high;
		else
			first = high + 1;
	}
	return slopes[index];
}

static uint64_t square_root(uint64_t square)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ull << 31; bit != 0; bit >>= 1)
		if ((root | bit) * (root | bit) <= square)
			root |= bit;
	return root;
}

/* Of `pairs` slopes between `points` points, the index of the lower end of the interval: 1.96
 * standard deviations of Kendall's s below the middle. */
static size_t lower_end(uint64_t points, uint64_t pairs)
{
	const uint64_t z_squared = 38416, scale = 10000;
	uint64_t variance_18 = points * (points - 1) * (2 * points + 5);
	uint64_t spread_of_s = square_root(variance_18 * z_squared / 18 / scale) + 1;

	return pairs > spread_of_s + 2 ? (size_t)(pairs - spread_of_s) / 2 - 1 : 0;
}

uint64_t live_trend_bytes_per_hour(const struct live_trend *trend)
{
	uint32_t first = 0, points;
	size_t pairs = 0;
	int64_t median;

	if (trend->count < LIVE_TREND_POINTS_MIN)
		return 0;
	while (trend->points[first].time_ns <
	       trend->points[trend->count - 1].time_ns / 100 * STARTUP_PERCENT)
		first++;
	points = trend->count - first;
	if (points < LIVE_TREND_POINTS_MIN)
		return 0;
	for (uint32_t i = first; i < trend->count; i++)
		for (uint32_t j = i + 1; j < trend->count; j++)
			slopes[pairs++] = slope_between(&trend->points[i], &trend->points[j]);
	median = slope_at(pairs, (pairs - 1) / 2);
	return median > 0 && slope_at(pairs, lower_end(points, pairs)) > 0 ? (uint64_t)median : 0;
}
