/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_diff: what one run uses more than another one did, perhaps of an older build: what the newer one has
 * gathered from its start, less what the older one had.
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
#include "tools/model/site_judgements.h"

/* A report of what is live in one run, judged over the run up to there, for the resolver; with room
 * for `more` sites. */
static struct report *describe_side(struct diff_side side, size_t more)
{
	const struct profile *profile = side.profile;
	struct report *report = report_new(profile, profile->site_count + more);
	struct judgement *judgements = calloc(profile->site_count + 1, sizeof(*judgements));
	bool is_fine = report && judgements;
	if (is_fine) {
		report->last_snapshot = side.index;
		report->snapshot_count = side.index + 1;
		report->span_s = profile->snapshots[side.index].time_s;
		is_fine = report_choose_points(report, 0, side.index) &&
			  site_judgements_make(profile, 0, side.index, judgements) &&
			  site_judgements_weigh(profile, 0, side.index, judgements);
	}
	for (size_t i = 0; is_fine && i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		const struct site_point *point = site_at(site, side.index);
		if (!point || !point->live_blocks)
			continue;
		struct report_site *described = &report->sites[report->site_count++];
		is_fine = report_describe(report, described, profile, site, side.index);
		described->judgement = judgements[i];
		described->aged_bytes =
			diff_aged_bytes(profile, site, 0, side.index, true, &judgements[i]);
	}
	free(judgements);
	if (is_fine)
		return report;
	report_free(report);
	return NULL;
}

static int compare_identities(const void *left, const void *right)
{
	const struct report_site *a = left, *b = right;
	if (a->identity != b->identity)
		return a->identity < b->identity ? -1 : 1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

/* Twins are numbered in the order of their calls. Where the two builds have more or fewer of them, nobody
 * knows which is which: they are one site, with the id of the first. */
static void share_ids(struct report *older, struct report *newer)
{
	struct report *sides[] = {older, newer};

	for (size_t side = 0; side < 2; side++)
		qsort(sides[side]->sites, sides[side]->site_count, sizeof(struct report_site),
		      compare_identities);
	for (size_t a = 0, b = 0; a < older->site_count && b < newer->site_count;) {
		uint64_t identity = older->sites[a].identity;
		if (identity != newer->sites[b].identity) {
			if (identity < newer->sites[b].identity)
				a++;
			else
				b++;
			continue;
		}
		bool differ = older->sites[a].twin_count != newer->sites[b].twin_count;
		for (; a < older->site_count && older->sites[a].identity == identity; a++)
			if (differ)
				report_site_number(&older->sites[a], 0);
		for (; b < newer->site_count && newer->sites[b].identity == identity; b++)
			if (differ)
				report_site_number(&newer->sites[b], 0);
	}
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

/* All sites of one id: calls that cannot be told apart. */
struct group {
	const struct report_site *largest; /* null: none */
	uint64_t live_bytes, live_blocks, allocations, frees, peak_bytes, peak_blocks;
	int64_t aged_bytes;
	const struct judgement *judgement; /* the most urgent one */
};

static struct group take_group(const struct report_site **sorted, size_t count, size_t *at,
			       const char *id)
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
		group.aged_bytes += site->aged_bytes;
		if (!group.judgement || site->judgement.verdict > group.judgement->verdict)
			group.judgement = &site->judgement;
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
		copies[i].linkage_name = report_text(report, site->frames[i].linkage_name);
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
	site->freed_by = (struct freer_list){0};
	return copy_frames(report, site);
}

static void describe_group(struct report_site *site, const struct group *group)
{
	*site = *group->largest;
	site->live_bytes = group->live_bytes;
	site->live_blocks = group->live_blocks;
	site->allocations = group->allocations;
	site->frees = group->frees;
	site->peak_bytes = group->peak_bytes;
	site->peak_blocks = group->peak_blocks;
	site->judgement = *group->judgement;
}

/* Fills `matched` from the two sides, both sorted by id; returns how many, or -1 without memory. */
static ssize_t match_by_id(struct report *report, const struct report_site **after,
			   const struct report_site **before, size_t before_count,
			   struct report_site *matched)
{
	size_t count = 0, a = 0, b = 0;
	while (a < report->site_count || b < before_count) {
		int order = a == report->site_count ? 1
			    : b == before_count	    ? -1
						    : strcmp(after[a]->id, before[b]->id);
		const char *id = order <= 0 ? after[a]->id : before[b]->id;
		size_t first = a;
		struct group is = take_group(after, report->site_count, &a, id);
		struct group was = take_group(before, before_count, &b, id);
		struct report_site *made = &matched[count++];
		if (is.largest) {
			add_curves(after + first, a - first, report->point_count);
			describe_group(made, &is);
		} else if (!describe_gone(report, made, &was)) {
			return -1;
		}
		diff_set_old_state(made, &(struct old_state){was.live_bytes, was.live_blocks,
							     was.allocations});
		made->aged_bytes = is.aged_bytes - was.aged_bytes;
	}
	return (ssize_t)count;
}

int diff_runs(struct diff_side old, struct diff_side new, report_resolver resolve, void *context,
	      struct report **report, struct error *error)
{
	const struct report_site **before = NULL, **after = NULL;
	struct report_site *matched = NULL;
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

	share_ids(older, made);
	before = sort_by_id(older);
	after = sort_by_id(made);
	matched = calloc(older->site_count + made->site_count + 1, sizeof(*matched));
	if (!before || !after || !matched)
		goto no_memory;
	ssize_t count = match_by_id(made, after, before, older->site_count, matched);
	if (count < 0)
		goto no_memory;
	memcpy(made->sites, matched, (size_t)count * sizeof(*matched));
	made->site_count = (size_t)count;
	diff_keep_changed(made);
	*report = made;
	made = NULL;
	goto out;
no_memory:
	result = error_set(error, ENOMEM, "there is not enough memory to compare \"%s\" and \"%s\"",
			   old.profile->path, new.profile->path);
out:
	free(before);
	free(after);
	free(matched);
	report_free(older);
	report_free(made);
	return result;
}
