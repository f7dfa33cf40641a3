/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_diff: what a site has more than before, and which sites come first.
 *
 * What stands first shall be what stays, not what happened to be in use at the newer moment: see
 * lasting_growth.
 */
#include <math.h>
#include <stdlib.h>

#include "tools/model/cohort_series.h"
#include "tools/model/lasting_growth.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/site_diff.h"

/* A buffer that realloc makes ever longer is born anew each time; the verdict has looked at its
 * length. */
static bool is_growing_in_length(const struct judgement *judgement)
{
	return judgement->evidence.is_of_length &&
	       (judgement->verdict == VERDICT_LEAK || judgement->verdict == VERDICT_GROWING ||
		judgement->verdict == VERDICT_SATURATING);
}

int64_t diff_aged_bytes(const struct profile *profile, const struct site *site, size_t first,
			size_t last, bool is_from_nothing, const struct judgement *judgement)
{
	struct cohort_series series;
	const struct site_point *before = is_from_nothing ? NULL : site_at(site, first);
	const struct site_point *after = site_at(site, last);
	uint64_t live_bytes = after ? after->live_bytes : 0;
	if (!live_bytes || first > last)
		return 0;
	if (is_growing_in_length(judgement)) {
		uint64_t old_bytes = before ? before->live_bytes : 0;
		return live_bytes > old_bytes ? (int64_t)(live_bytes - old_bytes) : 0;
	}
	size_t start = last < SERIES_MAX_STEPS ? 0 : last + 1 - SERIES_MAX_STEPS;
	if (start > first)
		start = first;
	cohort_series_make(&series, profile, site, start, last);
	struct lasting_growth growth = lasting_growth_make(&series, first - start, is_from_nothing);
	double bytes = growth.bytes;
	if (judgement->is_flagged) {
		/* Few blocks are no chance when they come as evenly as the verdict has seen. */
		const struct snapshot *snapshots = profile->snapshots;
		double hours = (snapshots[last].time_s - snapshots[first].time_s) / 3600;
		bytes = fmax(bytes, judgement->growth.bytes_per_hour * hours);
	}
	/* The series may end before the program tidied up. */
	return (int64_t)fmin(bytes, fmin((double)live_bytes, 0x1p62));
}

void diff_set_old_state(struct report_site *site, const struct old_state *old)
{
	site->old_bytes = old->live_bytes;
	site->old_blocks = old->live_blocks;
	site->old_allocations = old->allocations;
	site->delta_bytes = (int64_t)(site->live_bytes - old->live_bytes);
	site->delta_blocks = (int64_t)(site->live_blocks - old->live_blocks);
}

/* ---- order ---- */

static int compare_change(int64_t left, int64_t right)
{
	return (left < right) - (left > right); /* the larger one first */
}

/* The stack last, so that the order does not depend on the sort. */
static int compare_by_bytes(const void *left, const void *right)
{
	const struct report_site *a = left, *b = right;
	int order = compare_change(a->delta_bytes, b->delta_bytes);
	if (!order)
		order = compare_change(a->delta_blocks, b->delta_blocks);
	if (!order)
		order = (a->live_bytes < b->live_bytes) - (a->live_bytes > b->live_bytes);
	return order ? order : (a->stack > b->stack) - (a->stack < b->stack);
}

static int compare_by_aged(const void *left, const void *right)
{
	const struct report_site *a = left, *b = right;
	int order = compare_change(a->aged_bytes, b->aged_bytes);
	return order ? order : compare_by_bytes(left, right);
}

static int compare_by_blocks(const void *left, const void *right)
{
	const struct report_site *a = left, *b = right;
	int order = compare_change(a->delta_blocks, b->delta_blocks);
	return order ? order : compare_by_bytes(left, right);
}

void diff_sort(struct report *report, enum diff_order order)
{
	qsort(report->sites, report->site_count, sizeof(*report->sites),
	      order == DIFF_BY_AGED    ? compare_by_aged
	      : order == DIFF_BY_BYTES ? compare_by_bytes
				       : compare_by_blocks);
}

void diff_keep_changed(struct report *report)
{
	size_t changed = 0;
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].delta_bytes || report->sites[i].delta_blocks)
			report->sites[changed++] = report->sites[i];
	report->site_count = changed;
	diff_sort(report, DIFF_BY_AGED);
}
