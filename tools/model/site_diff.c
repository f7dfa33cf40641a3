/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_diff: what grew between two snapshots, of one run or of two.
 *
 * What stands first shall be what stays, not what happened to be in use at the newer moment. So the
 * order is by the growth of a site, but by no more of it than is aged:
 *
 *   one run     blocks born after the older snapshot that had lived through half of the way to the
 *               newer one. Traffic is younger.
 *   two runs    the aged blocks of the newer run less those of the older run, where aged means born
 *               in the first half of the run up to the snapshot.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/site_diff.h"

static bool is_same_run(const struct profile *a, const struct profile *b)
{
	return a == b || (a->pid == b->pid && a->start_ticks == b->start_ticks &&
			  a->started_unix_ns == b->started_unix_ns && a->start_ticks);
}

static uint32_t epoch_at(struct diff_side side)
{
	return side.profile->snapshots[side.index].epoch;
}

uint32_t diff_middle_epoch(struct diff_side side, double start_s)
{
	const struct snapshot *snapshots = side.profile->snapshots;
	double middle = (start_s + snapshots[side.index].time_s) / 2;
	for (size_t i = side.index; i-- > 0 && snapshots[i].time_s > start_s;)
		if (snapshots[i].time_s <= middle)
			return snapshots[i].epoch;
	return epoch_at(side);
}

uint64_t diff_bytes_born(const struct site *site, size_t index, uint32_t after, uint32_t until)
{
	const struct site_point *point = site ? site_at(site, index) : NULL;
	uint64_t bytes = 0;
	for (uint32_t i = 0; point && i < point->cohort_count; i++)
		if (point->cohorts[i].epoch > after && point->cohorts[i].epoch <= until)
			bytes += point->cohorts[i].bytes;
	return bytes;
}

void diff_set_old_state(struct report_site *site, uint64_t bytes, uint64_t blocks)
{
	site->old_bytes = bytes;
	site->old_blocks = blocks;
	site->delta_bytes = (int64_t)(site->live_bytes - bytes);
	site->delta_blocks = (int64_t)(site->live_blocks - blocks);
}

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked_site *a = left, *b = right;
	if (a->lasting_bytes != b->lasting_bytes)
		return a->lasting_bytes < b->lasting_bytes ? 1 : -1;
	if (a->site.delta_bytes != b->site.delta_bytes)
		return a->site.delta_bytes < b->site.delta_bytes ? 1 : -1;
	if (a->site.live_bytes != b->site.live_bytes)
		return a->site.live_bytes < b->site.live_bytes ? 1 : -1;
	return (a->site.stack > b->site.stack) - (a->site.stack < b->site.stack);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void diff_take_ranked(struct report *report, struct ranked_site *ranked, size_t count)
{
	size_t changed = 0;
	for (size_t i = 0; i < count; i++)
		if (ranked[i].site.delta_bytes || ranked[i].site.delta_blocks)
			ranked[changed++] = ranked[i];
	qsort(ranked, changed, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < changed; i++)
		report->sites[i] = ranked[i].site;
	report->site_count = changed;
}

/* ---- one run ---- */

static bool compare_states(struct report *report, struct diff_side old, struct diff_side new,
			   size_t first, size_t last, struct ranked_site *ranked)
{
	const struct profile *profile = new.profile;
	uint32_t after = epoch_at(old);
	uint32_t middle = diff_middle_epoch(new, old.profile->snapshots[old.index].time_s);
	size_t count = 0, at = 0;

	/* Sites of both lie in rising order of stack, and the newer snapshot knows all older ones
	 * unless the newer file is the damaged one. */
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		while (at < old.profile->site_count && old.profile->sites[at].stack < site->stack)
			at++;
		const struct site_point *before = NULL;
		if (at < old.profile->site_count && old.profile->sites[at].stack == site->stack)
			before = site_at(&old.profile->sites[at], old.index);

		struct ranked_site *made = &ranked[count];
		if (!report_describe(report, &made->site, profile, site, new.index))
			return false;
		diff_set_old_state(&made->site, before ? before->live_bytes : 0,
				   before ? before->live_blocks : 0);
		if (!made->site.delta_bytes && !made->site.delta_blocks)
			continue;
		made->site.judgement = verdict_judge(profile, site, first, last);
		/* The target merges old epochs, and then cohorts that began before the older
		 * snapshot hide what was born after it. */
		int64_t born = (int64_t)diff_bytes_born(site, new.index, after, middle);
		int64_t kept = (int64_t)(diff_bytes_born(site, new.index, 0, middle) -
					 made->site.old_bytes);
		made->lasting_bytes = smaller(born > kept ? born : kept, made->site.delta_bytes);
		count++;
	}
	diff_take_ranked(report, ranked, count);
	return true;
}

static int diff_same_run(struct diff_side old, struct diff_side new, struct report **report,
			 struct error *error)
{
	size_t first = old.index < new.index ? old.index : new.index;
	size_t last = old.index < new.index ? new.index : old.index;
	if (old.profile != new.profile) {
		/* An earlier copy of the file; the newer one knows the whole run. */
		first = 0;
		last = new.index;
	}
	struct report *made = report_new(new.profile, new.profile->site_count);
	struct ranked_site *ranked = calloc(new.profile->site_count + 1, sizeof(*ranked));
	bool is_fine = made && ranked && report_choose_points(made, first, last) &&
		       compare_states(made, old, new, first, last, ranked);
	free(ranked);
	if (!is_fine) {
		report_free(made);
		return error_set(error, ENOMEM, "there is not enough memory to compare \"%s\"",
				 new.profile->path);
	}
	made->first_snapshot = first;
	made->last_snapshot = last;
	made->snapshot_count = last - first + 1;
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
	/* Of one run, only what changed needs symbols. */
	if (is_one_run && resolve)
		result = resolve(*report, context, error);
	if (result) {
		report_free(*report);
		*report = NULL;
	}
	return result;
}
