/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cohort_series: picks the steps and sorts the cohorts into periods.
 */
#include "tools/model/cohort_series.h"

#include <math.h>
#include <stdint.h>

#include "tools/model/profile.h"

/* When there are more snapshots than steps, those before this part of the time go first: the
 * interval lengthens with the run, so a third of them may lie in its first moments. */
#define EARLY_SHARE 0.05
#define WIDEST_GROUP (1u << 17) /* a block's epoch has 18 bits */

/*
 * A program that frees everything when it is told to end makes its last snapshots fall, which says
 * nothing about whether it grew while it ran. If the final state is less than half of the most that
 * the process ever held, the fall towards it is left out. And whatever a site loses between the
 * last snapshot before the end and the end is left out.
 */
size_t cohort_series_end_of_work(const struct profile *profile, const struct site *site,
				 size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	if (last == first || !snapshot_is_last_word(&snapshots[last]))
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

/* Chooses the steps among [first, last] and returns how many. What is left over behind the last whole
 * group of epochs is left out: a shorter last period would be one of younger blocks. */
static size_t choose_steps(const struct snapshot *snapshots, size_t first, size_t last,
			   size_t *chosen)
{
	double early = snapshots[first].time_s +
		       EARLY_SHARE * (snapshots[last].time_s - snapshots[first].time_s);
	while (last - first + 1 > SERIES_MAX_STEPS && snapshots[first].time_s < early)
		first++;
	for (uint32_t shift = 0;; shift++) {
		size_t count = 0, i;
		for (i = first; i <= last; i++) {
			/* The newest of its group; where thinning left gaps, the newest there is. */
			uint32_t epoch = snapshots[i].epoch;
			bool is_newest = i < last ? snapshots[i + 1].epoch >> shift > epoch >> shift
						  : (epoch + 1) >> shift << shift == epoch + 1;
			if (!is_newest)
				continue;
			if (count == SERIES_MAX_STEPS)
				break;
			chosen[count++] = i;
		}
		if (i > last && count)
			return count;
		if (shift == 31) {
			chosen[0] = last;
			return 1;
		}
	}
}

/* Does a cohort begin with `epoch` in a snapshot that closed `now`? Cohorts are aligned groups of
 * 2^k epochs; k is the largest for which the youngest of the group is at least
 * single_epochs * 2^(k-1) epochs old. */
static bool begins_cohort(uint32_t epoch, uint32_t now, uint64_t single_epochs)
{
	uint32_t birth = epoch - 1; /* the two must not share a group */
	for (uint32_t width = 2; width <= WIDEST_GROUP; width *= 2) {
		uint32_t youngest = birth | (width - 1);
		if (youngest > now || now - youngest < single_epochs * (width / 2))
			return true;
		if (epoch <= youngest)
			return false;
	}
	return true;
}

static void sort_cohorts(struct cohort_series *series, size_t step, const uint32_t *epochs,
			 const struct site_point *point)
{
	double *blocks = series->blocks[step], *bytes = series->bytes[step];
	double block_sum = 0, byte_sum = 0;
	size_t period = 0;
	for (uint32_t i = 0; point && i < point->cohort_count; i++) {
		const struct cohort *cohort = &point->cohorts[i];
		for (; period < step && epochs[period] < cohort->epoch; period++) {
			blocks[period] = block_sum;
			bytes[period] = byte_sum;
		}
		block_sum += (double)cohort->blocks;
		byte_sum += (double)cohort->bytes;
	}
	for (; period <= step; period++) {
		blocks[period] = block_sum;
		bytes[period] = byte_sum;
	}
}

double cohort_series_unit(const struct profile *profile, const struct site_point *point)
{
	if (!profile->sample_bytes || !point || !point->allocations)
		return 1;
	double mean = (double)point->allocated_bytes / (double)point->allocations;
	return 1 / -expm1(-(mean + 1) / (double)profile->sample_bytes);
}

void cohort_series_make(struct cohort_series *series, const struct profile *profile,
			const struct site *site, size_t first, size_t last)
{
	size_t chosen[SERIES_MAX_STEPS];
	size_t end = cohort_series_end_of_work(profile, site, first, last), next = 0;
	const struct site_point *point = NULL;
	/* A profile that was not read from a file has none. */
	series->single_epochs =
		profile->single_epochs ? profile->single_epochs : SEEP_SINGLE_EPOCHS_BEFORE_1_3;
	series->count = choose_steps(profile->snapshots, first, end, chosen);
	uint32_t now = profile->snapshots[chosen[series->count - 1]].epoch;

	for (size_t step = 0; step < series->count; step++) {
		const struct snapshot *snapshot = &profile->snapshots[chosen[step]];
		for (; next < site->point_count && site->points[next].snapshot <= chosen[step];
		     next++)
			point = &site->points[next];
		series->epoch[step] = snapshot->epoch;
		series->is_cut[step] =
			snapshot->epoch >= now ||
			begins_cohort(snapshot->epoch + 1, now, series->single_epochs);
		series->time_s[step] = snapshot->time_s;
		series->others[step] = (double)snapshot->raw.allocations;
		series->births[step] = series->birth_bytes[step] = 0;
		series->live_blocks[step] = series->live_bytes[step] = 0;
		sort_cohorts(series, step, series->epoch, point);
		if (!point)
			continue;
		series->births[step] = (double)point->allocations;
		series->birth_bytes[step] = (double)point->allocated_bytes;
		series->others[step] -= (double)point->allocations;
		series->live_blocks[step] = (double)point->live_blocks;
		series->live_bytes[step] = (double)point->live_bytes;
	}
	series->unit = cohort_series_unit(profile, point);
}

bool cohort_series_is_exact(const struct cohort_series *series, size_t step, size_t period)
{
	return series->epoch[period] >= series->epoch[step] ||
	       begins_cohort(series->epoch[period] + 1, series->epoch[step], series->single_epochs);
}

void cohort_series_add(struct cohort_series *series, const struct cohort_series *other)
{
	series->unit = fmax(series->unit, other->unit);
	for (size_t step = 0; step < series->count; step++) {
		series->others[step] -= other->births[step];
		series->births[step] += other->births[step];
		series->birth_bytes[step] += other->birth_bytes[step];
		series->live_blocks[step] += other->live_blocks[step];
		series->live_bytes[step] += other->live_bytes[step];
		for (size_t period = 0; period <= step; period++) {
			series->blocks[step][period] += other->blocks[step][period];
			series->bytes[step][period] += other->bytes[step][period];
		}
	}
}

void cohort_series_add_site(struct cohort_series *sum, struct cohort_series *part,
			    const struct profile *profile, const struct site *site, size_t first,
			    size_t last)
{
	if (!sum->count) {
		cohort_series_make(sum, profile, site, first, last);
		return;
	}
	cohort_series_make(part, profile, site, first, last);
	if (part->count == sum->count)
		cohort_series_add(sum, part);
}
