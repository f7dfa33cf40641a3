/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_diff: what grew between two snapshots, of one run or of two.
 *
 * What stands first shall be what stays, not what happened to be in use at the newer moment: see
 * lasting_growth. Between two equal marks all that grew stays. Of two runs it is what the newer one has gathered from its start, less what the
 * older one had.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/cohort_series.h"
#include "tools/model/error.h"
#include "tools/model/lasting_growth.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/site_diff.h"
#include "tools/model/site_judgements.h"

static bool is_same_run(const struct profile *a, const struct profile *b)
{
	return a == b || (a->pid == b->pid && a->start_ticks == b->start_ticks &&
			  a->started_unix_ns == b->started_unix_ns && a->start_ticks);
}

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

/* ---- one run ---- */

/* The span of snapshots of the newer profile that the two sides enclose. */
struct span {
	size_t first, last;
};

static struct span span_between(struct diff_side old, struct diff_side new)
{
	if (old.profile == new.profile)
		return old.index < new.index ? (struct span){old.index, new.index}
					     : (struct span){new.index, old.index};
	/* An earlier copy of the file; thinning may have dropped its snapshot from the newer one. */
	struct span span = {0, new.index};
	uint32_t epoch = old.profile->snapshots[old.index].epoch;
	while (span.first < span.last && new.profile->snapshots[span.first + 1].epoch <= epoch)
		span.first++;
	return span;
}

/* Has somebody said that the program is in the same state? Then nothing that differs is traffic. */
static bool are_equal_marks(struct diff_side old, struct diff_side new)
{
	const struct snapshot *a = &old.profile->snapshots[old.index];
	const struct snapshot *b = &new.profile->snapshots[new.index];
	return a->reason == SEEP_REASON_MARK && b->reason == SEEP_REASON_MARK &&
	       strcmp(a->label, b->label) == 0;
}

static bool compare_states(struct report *report, struct diff_side old, struct diff_side new,
			   struct span span, const struct judgement *judgements)
{
	const struct profile *profile = new.profile;
	bool is_forward = old.profile != new.profile || old.index <= new.index;
	bool is_same_state = are_equal_marks(old, new);
	size_t at = 0;

	/* Sites of both lie in rising order of stack, and the newer snapshot knows all older ones
	 * unless the newer file is the damaged one. */
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		while (at < old.profile->site_count && old.profile->sites[at].stack < site->stack)
			at++;
		const struct site_point *before = NULL;
		if (at < old.profile->site_count && old.profile->sites[at].stack == site->stack)
			before = site_at(&old.profile->sites[at], old.index);

		struct report_site *made = &report->sites[report->site_count];
		if (!report_describe(report, made, profile, site, new.index))
			return false;
		struct old_state state = {0};
		if (before)
			state = (struct old_state){before->live_bytes, before->live_blocks,
						   before->allocations};
		diff_set_old_state(made, &state);
		if (!made->delta_bytes && !made->delta_blocks)
			continue;
		made->judgement = judgements[i];
		if (is_same_state)
			made->aged_bytes = made->delta_bytes > 0 ? made->delta_bytes : 0;
		else if (is_forward)
			made->aged_bytes = diff_aged_bytes(profile, site, span.first, span.last,
							   false, &made->judgement);
		report->site_count++;
	}
	diff_keep_changed(report);
	return true;
}

static int diff_same_run(struct diff_side old, struct diff_side new, struct report **report,
			 struct error *error)
{
	struct span span = span_between(old, new);
	size_t site_count = new.profile->site_count;
	struct report *made = report_new(new.profile, site_count);
	struct judgement *judgements = calloc(site_count + 1, sizeof(*judgements));
	bool is_fine = made && judgements && report_choose_points(made, span.first, span.last) &&
		       site_judgements_make(new.profile, span.first, span.last, judgements) &&
		       site_judgements_weigh(new.profile, span.first, span.last, judgements) &&
		       compare_states(made, old, new, span, judgements);
	free(judgements);
	if (!is_fine) {
		report_free(made);
		return error_set(error, ENOMEM, "there is not enough memory to compare \"%s\"",
				 new.profile->path);
	}
	made->first_snapshot = span.first;
	made->last_snapshot = span.last;
	made->snapshot_count = span.last - span.first + 1;
	made->span_s = fabs(new.profile->snapshots[new.index].time_s -
			    old.profile->snapshots[old.index].time_s);
	*report = made;
	return 0;
}

int diff_build(const struct profile *old, size_t old_index, const struct profile *profile,
	       size_t new_index, report_resolver resolve, void *context, struct report **report,
	       struct error *error)
{
	*report = NULL;
	if (old_index >= old->snapshot_count || new_index >= profile->snapshot_count) {
		const struct profile *empty = old_index >= old->snapshot_count ? old : profile;
		return error_set(error, ENOENT,
				 "\"%s\" holds no such snapshot to compare with; `seep snapshots` "
				 "lists those that it has",
				 empty->path);
	}
	const struct diff_side older = {old, old_index}, newer = {profile, new_index};
	bool is_one_run = is_same_run(old, profile);
	int result = is_one_run ? diff_same_run(older, newer, report, error)
				: diff_two_runs(older, newer, resolve, context, report, error);
	if (result)
		return result;
	(*report)->old = old;
	(*report)->old_snapshot = old_index;
	(*report)->scan = profile_scan(profile, new_index);
	/* Of one run, only what changed needs symbols. */
	if (is_one_run && resolve)
		result = resolve(*report, context, error);
	if (result) {
		report_free(*report);
		*report = NULL;
	}
	return result;
}
