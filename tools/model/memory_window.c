/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_window: which snapshots, and of many which ones.
 */
#include "tools/model/memory_window.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/profile.h"
#include "tools/model/steady_growth.h"
#include "tools/model/verdict.h"

double memory_window_span(const struct memory_window *window)
{
	return window->snapshots[window->last].time_s - window->snapshots[window->first].time_s;
}

void memory_window_series(const struct memory_window *window, enum memory_part part,
			  struct memory_series *series)
{
	double start = window->snapshots[window->first].time_s, span = memory_window_span(window);
	bool has_all = window->last - window->first < TREND_MAX_POINTS;
	double next_slot = 0;
	series->count = 0;
	for (size_t i = window->first; i <= window->last; i++) {
		const struct snapshot *snapshot = &window->snapshots[i];
		double slot =
			span > 0 ? floor((snapshot->time_s - start) / span * (TREND_MAX_POINTS - 1))
				 : 0;
		uint64_t bytes;
		if ((!has_all && slot < next_slot) || !memory_part_of(&snapshot->raw, part, &bytes))
			continue;
		next_slot = slot + 1;
		series->t_s[series->count] = snapshot->time_s;
		series->bytes[series->count++] = (double)bytes;
	}
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

void memory_window_resident(const struct memory_window *window, struct memory_series *series)
{
	struct memory_series own;
	memory_window_series(window, PART_RESIDENT, series);
	memory_window_series(window, PART_OWN, &own);
	for (size_t i = 0; own.count == series->count && i < series->count; i++)
		series->bytes[i] = fmax(0, series->bytes[i] - own.bytes[i]);
}

static double median_resident(const struct memory_window *window)
{
	struct memory_series resident;
	memory_window_resident(window, &resident);
	if (!resident.count)
		return 0;
	qsort(resident.bytes, resident.count, sizeof(*resident.bytes), compare_doubles);
	return resident.bytes[resident.count / 2];
}

struct memory_window memory_window_of(const struct profile *profile, size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	struct memory_window window = {.snapshots = snapshots, .first = first, .last = last};
	if (last > first && snapshot_is_last_word(&snapshots[last]))
		window.last--;
	double start = snapshots[first].time_s, span = snapshots[window.last].time_s - start;
	while (window.first < window.last &&
	       snapshots[window.first].time_s < start + verdict_limits.startup_share * span)
		window.first++;
	window.is_enough = window.last - first + 1 >= VERDICT_MIN_SNAPSHOTS &&
			   window.last - window.first + 1 >= STEADY_GROWTH_MIN_POINTS;
	window.resident = median_resident(&window);
	return window;
}

double memory_window_least(const struct memory_window *window, enum memory_part part, double since)
{
	const struct snapshot *snapshots = window->snapshots;
	double late = snapshots[window->first].time_s + since * memory_window_span(window);
	double least = INFINITY;
	for (size_t i = window->first; i <= window->last; i++) {
		uint64_t bytes;
		if (snapshots[i].time_s < late)
			continue;
		if (!memory_part_of(&snapshots[i].raw, part, &bytes))
			return 0;
		least = fmin(least, (double)bytes);
	}
	return isfinite(least) ? least : 0;
}
