/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_series: picks the steps and counts the aged blocks.
 */
#include "tools/model/site_series.h"

#include "tools/model/profile.h"

/* Start-up is over after this part of the snapshots, and after this part of the time if enough
 * snapshots are left then: their interval lengthens with the run, so most may lie in its first
 * minutes. */
#define STARTUP_SNAPSHOT_SHARE 3 /* 1 / 3 */
#define STARTUP_TIME_SHARE 0.1
#define ENOUGH_STEPS 8
#define MAX_AGE 6

static bool is_last_word(const struct snapshot *snapshot)
{
	return snapshot->reason == SEEP_REASON_FINAL || snapshot->reason == SEEP_REASON_EXEC;
}

/*
 * A program that frees everything when it is told to end makes its last snapshots fall, which says
 * nothing about whether it grew while it ran. If the final state is less than half of the most that
 * the process ever held, the fall towards it is left out. And whatever a site loses between the
 * last snapshot before the end and the end is left out.
 */
static size_t end_of_work(const struct profile *profile, const struct site *site, size_t first,
			  size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	if (last == first || !is_last_word(&snapshots[last]))
		return last;

	uint64_t most = 0;
	for (size_t i = first; i <= last; i++)
		if (snapshots[i].raw.live_bytes > most)
			most = snapshots[i].raw.live_bytes;
	size_t end = last;
	if (snapshots[last].raw.live_bytes < most / 2) {
		/* Not further than a quarter of the run: a longer fall was work. */
		size_t limit = last - (last - first) / 4;
		while (end > first && end > limit &&
		       snapshots[end - 1].raw.live_bytes >= snapshots[end].raw.live_bytes)
			end--;
	}
	if (end == last) {
		const struct site_point *before = site_at(site, last - 1);
		const struct site_point *after = site_at(site, last);
		if (before && after && after->live_bytes < before->live_bytes)
			end--;
	}
	return end;
}

/* A quarter of the run, at most MAX_AGE steps: in simulated runs of 16 to 80 snapshots that told
 * sessions and caches from leaks best, and older blocks told nothing more. */
static size_t age_for(size_t count)
{
	size_t age = count / 4;
	return age < 1 ? 1 : age < MAX_AGE ? age : MAX_AGE;
}

static size_t window_for(const struct site_series *series)
{
	size_t window = series->count / STARTUP_SNAPSHOT_SHARE;
	double start = series->time_s[0], span = series->time_s[series->count - 1] - start;
	size_t settled = window;
	while (settled < series->count &&
	       series->time_s[settled] < start + STARTUP_TIME_SHARE * span)
		settled++;
	if (series->count - settled >= ENOUGH_STEPS)
		window = settled;
	return window < series->age_steps ? series->age_steps : window;
}

static void observe(struct site_series *series, size_t step, const struct profile *profile,
		    const struct site *site)
{
	const struct snapshot *snapshot = &profile->snapshots[series->snapshots[step]];
	const struct site_point *point = site_at(site, series->snapshots[step]);
	series->time_s[step] = snapshot->time_s;
	series->others[step] = (double)snapshot->raw.allocations;
	series->live_blocks[step] = series->live_bytes[step] = 0;
	series->aged_blocks[step] = series->aged_bytes[step] = 0;
	if (!point)
		return;

	series->others[step] -= (double)point->allocations;
	series->live_blocks[step] = (double)point->live_blocks;
	series->live_bytes[step] = (double)point->live_bytes;
	if (step < series->age_steps)
		return;
	uint32_t until = profile->snapshots[series->snapshots[step - series->age_steps]].epoch;
	for (uint32_t i = 0; i < point->cohort_count && point->cohorts[i].epoch <= until; i++) {
		series->aged_blocks[step] += (double)point->cohorts[i].blocks;
		series->aged_bytes[step] += (double)point->cohorts[i].bytes;
	}
}

void site_series_make(struct site_series *series, const struct profile *profile,
		      const struct site *site, size_t first, size_t last)
{
	size_t end = end_of_work(profile, site, first, last);
	size_t available = end - first + 1;
	series->count = available < SERIES_MAX_STEPS ? available : SERIES_MAX_STEPS;
	series->age_steps = age_for(series->count);
	for (size_t step = 0; step < series->count; step++) {
		series->snapshots[step] =
			series->count > 1 ? first + (available - 1) * step / (series->count - 1)
					  : first;
		observe(series, step, profile, site);
	}
	series->window = window_for(series);
}

double site_blocks_born(const struct site *site, size_t snapshot, uint32_t after, uint32_t until)
{
	const struct site_point *point = site_at(site, snapshot);
	double blocks = 0;
	for (uint32_t i = 0; point && i < point->cohort_count; i++)
		if (point->cohorts[i].epoch > after && point->cohorts[i].epoch <= until)
			blocks += (double)point->cohorts[i].blocks;
	return blocks;
}
