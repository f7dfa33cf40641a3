/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_diff: what one run uses more than another one did, perhaps of an older build.
 *
 * Stack ids mean nothing across runs, so both sides are resolved to functions first and then
 * matched by the id that is made of those (see site_identity). Only what is live is resolved:
 * symbols are the costly part.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/site_diff.h"

/* A report of what is live in one run, for the resolver, with room for `more` sites. */
static struct report *describe_side(struct diff_side side, size_t more)
{
	struct report *report = report_new(side.profile, side.profile->site_count + more);
	if (!report)
		return NULL;
	report->last_snapshot = side.index;
	report->snapshot_count = side.index + 1;
	report->span_s = side.profile->snapshots[side.index].time_s;
	bool is_fine = report_choose_points(report, 0, side.index);
	for (size_t i = 0; is_fine && i < side.profile->site_count; i++) {
		const struct site *site = &side.profile->sites[i];
		const struct site_point *point = site_at(site, side.index);
		if (point && point->live_blocks)
			is_fine = report_describe(report, &report->sites[report->site_count++],
						  side.profile, site, side.index);
	}
	if (is_fine)
		return report;
	report_free(report);
	return NULL;
}

/* The larger site first among those of the same id: it speaks for them. */
static int compare_ids(const void *left, const void *right)
{
	const struct report_site *a = *(const struct report_site *const *)left;
	const struct report_site *b = *(const struct report_site *const *)right;
	int order = strcmp(a->id, b->id);
	if (order)
		return order;
	if (a->live_bytes != b->live_bytes)
		return a->live_bytes < b->live_bytes ? 1 : -1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

static const struct report_site **sort_by_id(const struct report *report)
{
	const struct report_site **sorted = malloc((report->site_count + 1) * sizeof(*sorted));
	if (!sorted)
		return NULL;
	for (size_t i = 0; i < report->site_count; i++)
		sorted[i] = &report->sites[i];
	qsort(sorted, report->site_count, sizeof(*sorted), compare_ids);
	return sorted;
}

/* All sites of one id: two calls on different lines of one function are one site here. */
struct group {
	const struct report_site *largest; /* null: none */
	uint64_t live_bytes, live_blocks, allocations, frees, peak_bytes, peak_blocks, aged_bytes;
};

static struct group take_group(const struct report_site **sorted, size_t count, size_t *at,
			       const char *id, size_t index, uint32_t middle)
{
	struct group group = {0};
	for (; *at < count && strcmp(sorted[*at]->id, id) == 0; ++*at) {
		const struct report_site *site = sorted[*at];
		if (!group.largest)
			group.largest = site;
		group.live_bytes += site->live_bytes;
		group.live_blocks += site->live_blocks;
		group.allocations += site->allocations;
		group.frees += site->frees;
		group.peak_bytes += site->peak_bytes;
		group.peak_blocks += site->peak_blocks;
		group.aged_bytes += diff_bytes_born(site->site, index, 0, middle);
	}
	return group;
}

/* Curves of the other sites of a group are added to that of the first. */
static void add_curves(const struct report_site **sites, size_t count, size_t point_count)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t point = 0; point < point_count; point++) {
			sites[0]->series_bytes[point] += sites[i]->series_bytes[point];
			sites[0]->series_blocks[point] += sites[i]->series_blocks[point];
		}
	}
}

static bool copy_frames(struct report *report, struct report_site *site)
{
	struct frame *copies = report_frames(report, site->frame_count);
	if (!copies)
		return false;
	for (size_t i = 0; i < site->frame_count; i++) {
		copies[i] = site->frames[i];
		copies[i].function = report_text(report, site->frames[i].function);
		copies[i].file = report_text(report, site->frames[i].file);
		copies[i].module = report_text(report, site->frames[i].module);
	}
	site->frames = copies;
	return true;
}

/* A site that only the older run has: as it was there, with nothing live now. */
static bool describe_gone(struct report *report, struct report_site *site,
			  const struct group *group)
{
	*site = *group->largest;
	site->live_bytes = site->live_blocks = 0;
	site->allocations = site->frees = site->peak_bytes = site->peak_blocks = 0;
	site->series_bytes = site->series_blocks = report_empty_curve(report);
	site->judgement = (struct judgement){.growth.time_to_limit_s = NAN};
	return copy_frames(report, site);
}

static void describe_group(struct report_site *site, const struct group *group,
			   struct diff_side side)
{
	*site = *group->largest;
	site->live_bytes = group->live_bytes;
	site->live_blocks = group->live_blocks;
	site->allocations = group->allocations;
	site->frees = group->frees;
	site->peak_bytes = group->peak_bytes;
	site->peak_blocks = group->peak_blocks;
	site->judgement = verdict_judge(side.profile, site->site, 0, side.index);
}

/* Fills `ranked` from the two sides, both sorted by id; returns how many, or -1 without memory. */
static ssize_t match_by_id(struct report *report, const struct report_site **after,
			   struct diff_side new, const struct report_site **before,
			   size_t before_count, struct diff_side old, struct ranked_site *ranked)
{
	uint32_t old_middle = diff_middle_epoch(old, 0), new_middle = diff_middle_epoch(new, 0);
	size_t count = 0, a = 0, b = 0;
	while (a < report->site_count || b < before_count) {
		int order = a == report->site_count ? 1
			    : b == before_count	    ? -1
						    : strcmp(after[a]->id, before[b]->id);
		const char *id = order <= 0 ? after[a]->id : before[b]->id;
		size_t first = a;
		struct group is =
			take_group(after, report->site_count, &a, id, new.index, new_middle);
		struct group was = take_group(before, before_count, &b, id, old.index, old_middle);
		struct ranked_site *made = &ranked[count++];
		if (is.largest) {
			add_curves(after + first, a - first, report->point_count);
			describe_group(&made->site, &is, new);
		} else if (!describe_gone(report, &made->site, &was)) {
			return -1;
		}
		diff_set_old_state(&made->site, was.live_bytes, was.live_blocks);
		int64_t aged = (int64_t)(is.aged_bytes - was.aged_bytes);
		made->lasting_bytes = aged < made->site.delta_bytes ? aged : made->site.delta_bytes;
	}
	return (ssize_t)count;
}

int diff_two_runs(struct diff_side old, struct diff_side new, report_resolver resolve,
		  void *context, struct report **report, struct error *error)
{
	const struct report_site **before = NULL, **after = NULL;
	struct ranked_site *ranked = NULL;
	int result = 0;
	if (!resolve)
		return error_set(error, EINVAL,
				 "sites of different runs can only be compared with their symbols");
	struct report *older = describe_side(old, 0);
	struct report *made = describe_side(new, older ? older->site_count : 0);
	if (!older || !made)
		goto no_memory;
	if ((result = resolve(older, context, error)) || (result = resolve(made, context, error)))
		goto out;

	before = sort_by_id(older);
	after = sort_by_id(made);
	ranked = calloc(older->site_count + made->site_count + 1, sizeof(*ranked));
	if (!before || !after || !ranked)
		goto no_memory;
	ssize_t count = match_by_id(made, after, new, before, older->site_count, old, ranked);
	if (count < 0)
		goto no_memory;
	diff_take_ranked(made, ranked, (size_t)count);
	*report = made;
	made = NULL;
	goto out;
no_memory:
	result = error_set(error, ENOMEM, "there is not enough memory to compare \"%s\" and \"%s\"",
			   old.profile->path, new.profile->path);
out:
	free(before);
	free(after);
	free(ranked);
	report_free(older);
	report_free(made);
	return result;
}
