/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: every site described, judged and sorted.
 */
#include "tools/model/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/finding.h"
#include "tools/model/holder_links.h"
#include "tools/model/holders.h"
#include "tools/model/process_memory.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report_builder.h"
#include "tools/model/report_pins.h"
#include "tools/model/site_judgements.h"
#include "tools/model/weight.h"

/* Without memory uthash shall leave the text out instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAX_POINTS 60

struct interned_text {
	UT_hash_handle hh;
	char text[];
};

struct report_memory {
	struct arena *arena;
	struct interned_text *texts;
	size_t *points;	   /* indices of the snapshots that the curves are drawn from */
	uint64_t *nothing; /* the curve of all sites that never had a block at a point */
	struct report_site *sites;
};

struct report *report_new(const struct profile *profile, size_t site_limit)
{
	struct report *report = calloc(1, sizeof(*report));
	if (!report)
		return NULL;
	report->profile = profile;
	report->memory = calloc(1, sizeof(*report->memory));
	if (report->memory)
		report->memory->arena = arena_new();
	if (report->memory && report->memory->arena)
		report->memory->sites = calloc(site_limit + 1, sizeof(*report->sites));
	if (!report->memory || !report->memory->sites) {
		report_free(report);
		return NULL;
	}
	report->sites = report->memory->sites;
	return report;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	if (report->memory) {
		/* The entries lie in the arena, only the table itself is uthash's. */
		HASH_CLEAR(hh, report->memory->texts);
		arena_free(report->memory->arena);
		free(report->memory->sites);
		free(report->memory);
	}
	free(report->crossings);
	free(report->wrong_frees);
	free(report);
}

const char *report_text(struct report *report, const char *text)
{
	if (!text)
		return NULL;
	struct report_memory *memory = report->memory;
	struct interned_text *known;
	size_t length = strlen(text);
	HASH_FIND(hh, memory->texts, text, length, known);
	if (known)
		return known->text;
	known = arena_take(memory->arena, 1, sizeof(*known) + length + 1);
	if (!known)
		return NULL;
	memcpy(known->text, text, length + 1);
	HASH_ADD_KEYPTR(hh, memory->texts, known->text, length, known);
	return known->text;
}

struct frame *report_frames(struct report *report, size_t count)
{
	return arena_take(report->memory->arena, count, sizeof(struct frame));
}

/* ---- curves ---- */

/*
 * All snapshots, or, if they are too many, for each of MAX_POINTS equally spaced moments the newest
 * snapshot that was there. Every point is a real snapshot; the first and the last always are
 * points.
 */
bool report_choose_points(struct report *report, size_t first, size_t last)
{
	struct report_memory *memory = report->memory;
	const struct snapshot *snapshots = report->profile->snapshots;
	memory->points = arena_take(memory->arena, MAX_POINTS, sizeof(*memory->points));
	report->series_t_s = arena_take(memory->arena, MAX_POINTS, sizeof(*report->series_t_s));
	memory->nothing = arena_take(memory->arena, MAX_POINTS, sizeof(*memory->nothing));
	if (!memory->points || !report->series_t_s || !memory->nothing)
		return false;

	size_t available = last - first + 1, newest = first;
	double start = snapshots[first].time_s, span = snapshots[last].time_s - start;
	report->point_count = 0;
	for (size_t i = 0; i < MAX_POINTS && i < available; i++) {
		if (available <= MAX_POINTS) {
			newest = first + i;
		} else if (i == MAX_POINTS - 1) {
			newest = last;
		} else {
			double moment = start + span * (double)i / (MAX_POINTS - 1);
			while (newest < last && snapshots[newest + 1].time_s <= moment)
				newest++;
		}
		if (report->point_count && memory->points[report->point_count - 1] == newest)
			continue;
		memory->points[report->point_count] = newest;
		report->series_t_s[report->point_count++] = snapshots[newest].time_s;
	}
	return true;
}

uint64_t *report_empty_curve(struct report *report)
{
	return report->memory->nothing;
}

static bool draw_curve(struct report *report, struct report_site *described)
{
	struct report_memory *memory = report->memory;
	uint64_t bytes[MAX_POINTS] = {0}, blocks[MAX_POINTS] = {0};
	bool is_nothing = true;
	for (size_t i = 0; i < report->point_count; i++) {
		const struct site_point *point = site_at(described->site, memory->points[i]);
		if (!point)
			continue;
		bytes[i] = point->live_bytes;
		blocks[i] = point->live_blocks;
		is_nothing &= !bytes[i] && !blocks[i];
	}
	if (is_nothing) {
		/* Most sites of a large program: one curve for all of them. */
		described->series_bytes = described->series_blocks = memory->nothing;
		return true;
	}
	described->series_bytes = arena_take(memory->arena, report->point_count, sizeof(*bytes));
	described->series_blocks = arena_take(memory->arena, report->point_count, sizeof(*blocks));
	if (!described->series_bytes || !described->series_blocks)
		return false;
	memcpy(described->series_bytes, bytes, report->point_count * sizeof(*bytes));
	memcpy(described->series_blocks, blocks, report->point_count * sizeof(*blocks));
	return true;
}

/* ---- sites ---- */

/* Frees of blocks that were allocated in this process: what a fork inherited was never counted as
 * an allocation, so it is no free either. */
static uint64_t frees_of(const struct profile *profile, const struct site_point *point)
{
	uint64_t inherited = 0;
	for (uint32_t i = 0; i < point->cohort_count; i++)
		if (point->cohorts[i].epoch <= profile->inherited_epoch)
			inherited += point->cohorts[i].blocks;
	uint64_t own = point->live_blocks - inherited;
	return point->allocations > own ? point->allocations - own : 0;
}

bool report_describe(struct report *report, struct report_site *described,
		     const struct profile *profile, const struct site *site, size_t last)
{
	*described = (struct report_site){
		.site = site,
		.profile = profile,
		.stack = site->stack,
		.scanned = site_scanned(profile, site, last),
	};
	const struct site_point *point = site_at(site, last);
	if (point) {
		described->live_bytes = point->live_bytes;
		described->live_blocks = point->live_blocks;
		described->allocations = point->allocations;
		described->frees = frees_of(profile, point);
	}
	for (uint32_t i = 0; i < site->point_count && site->points[i].snapshot <= last; i++)
		if (site->points[i].live_bytes > described->peak_bytes) {
			described->peak_bytes = site->points[i].live_bytes;
			described->peak_blocks = site->points[i].live_blocks;
		}
	return freer_list_make(&described->freed_by, profile, &site, 1, report->memory->arena) &&
	       (!report->point_count || draw_curve(report, described));
}

double report_error_95(double standard_error, uint64_t estimate)
{
	return estimate ? 1.96 * standard_error / (double)estimate : NAN;
}

bool report_lacks_last_state(const struct report *report)
{
	const struct profile *profile = report->profile;

	return !profile->is_running && report->last_snapshot + 1 == profile->snapshot_count &&
	       !profile_has_last_state(profile);
}

bool report_covers(const struct report *report, double time_s)
{
	const struct snapshot *snapshots = report->profile->snapshots;
	return report->snapshot_count && time_s <= snapshots[report->last_snapshot].time_s &&
	       (!report->first_snapshot || time_s >= snapshots[report->first_snapshot].time_s);
}

bool report_site_is_given_back(const struct report_site *site)
{
	/* Of what is lost it is no matter how much more there was once. */
	return site->judgement.verdict == VERDICT_LEAK && site->live_bytes < site->peak_bytes / 10;
}

static bool is_wanted(const struct report_site *site, const struct report_options *options)
{
	/* What grew until the program tidied up is wanted although nothing of it is left. */
	if (site->judgement.is_flagged ||
	    (options->is_kept && options->is_kept(site, options->context)))
		return true;
	if (site->judgement.verdict == VERDICT_GROWING)
		return site->live_bytes >= options->min_bytes;
	if (!site->live_blocks && !options->keep_empty_sites)
		return false;
	return site->live_bytes >= options->min_bytes;
}

static int compare_differences(const void *left, const void *right)
{
	const struct report_difference *a = left, *b = right;
	return (a->count < b->count) - (a->count > b->count);
}

static bool describe_differences(struct report *report)
{
	const struct profile *profile = report->profile;
	const struct self_check *check = profile->self_check;
	size_t count = check ? check->difference_count : 0;
	report->differences =
		arena_take(report->memory->arena, count, sizeof(*report->differences));
	if (!report->differences)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct stack_difference *difference = &check->differences[i];
		report->differences[i] = (struct report_difference){
			.ours = {.profile = profile, .stack = difference->ours},
			.libunwinds = {.profile = profile, .stack = difference->libunwinds},
			.thread_id = difference->thread_id,
			.count = difference->count,
		};
	}
	report->difference_count = count;
	if (count)
		qsort(report->differences, count, sizeof(*report->differences),
		      compare_differences);
	return true;
}

/* When the memory will be used up, if each goes on like this; as far as a limit is known. */
static void set_limits(const struct seep_snapshot *totals, struct judgement *judgements,
		       size_t count, struct finding_list *findings)
{
	double used = (double)totals->limit_used_bytes, limit = (double)totals->limit_bytes;
	for (size_t i = 0; i < count; i++)
		if (judgements[i].is_flagged)
			verdict_set_limit(&judgements[i], used, limit);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->findings[i].judgement.is_flagged)
			verdict_set_limit(&findings->findings[i].judgement, used, limit);
}

static bool judge_process(struct report *report)
{
	struct report_memory *memory = report->memory;
	const struct profile *profile = report->profile;
	bool *is_leak = arena_take(memory->arena, profile->site_count, sizeof(*is_leak));
	struct memory_leaks leaks = {.is_leak = is_leak};
	if (!is_leak)
		return false;
	for (size_t i = 0; i < report->entry_count; i++) {
		const struct report_entry *entry = &report->entries[i];
		const struct judgement *judgement = &report_entry_site(entry)->judgement;
		const struct report_site *site =
			entry->finding ? entry->finding->sites[0] : entry->site;
		if (!judgement->is_flagged || site_is_mapping(profile, site->site))
			continue;
		leaks.count++;
		leaks.bytes_per_hour += fmax(0, judgement->growth.bytes_per_hour);
		leaks.confidence = fmax(leaks.confidence, judgement->confidence);
	}
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		is_leak[site->site - profile->sites] =
			site->judgement.is_flagged ||
			(site->finding && site->finding->sum.judgement.is_flagged);
	}
	return process_memory_make(&report->process_memory, report->profile, report->first_snapshot,
				   report->last_snapshot, &leaks, memory->points,
				   report->point_count, memory->arena) &&
	       report_pins_make(report, memory->arena);
}

/* Places are only taken where somebody holds something. */
static bool take_holder_places(struct report *report)
{
	const struct holders *holders = report->profile->holders;
	if (!holders)
		return true;
	report->holder_places = arena_take(report->memory->arena, holders->root_count,
					   sizeof(*report->holder_places));
	return report->holder_places;
}

static bool list_holders(struct report *report)
{
	return take_holder_places(report) &&
	       (!report->profile->holders || holder_links_make(report));
}

bool report_find_holders(struct report *report, const struct profile *profile, size_t last)
{
	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		if (site->site && site->profile == profile &&
		    !holder_shapes_make(&site->held_by, profile, &site->site, 1, last,
					report->memory->arena))
			return false;
	}
	return take_holder_places(report);
}

static int fail_without_memory(const struct profile *profile, struct error *error)
{
	return error_set(error, ENOMEM, "there is not enough memory for a report on \"%s\"",
			 profile->path);
}

/* What was set back in a crowd was so for good. */
static void flag_growing_one(struct judgement *judgement)
{
	if (judgement->verdict == VERDICT_GROWING && !judgement->is_minor)
		judgement->is_flagged = true;
}

static void flag_growing(struct judgement *judgements, size_t count, struct finding_list *findings)
{
	for (size_t i = 0; i < count; i++)
		flag_growing_one(&judgements[i]);
	for (size_t i = 0; i < findings->count; i++)
		flag_growing_one(&findings->findings[i].judgement);
}

bool report_join(struct report *report)
{
	return joined_findings_make(report, report->memory->arena);
}

int report_build(const struct profile *profile, const struct report_options *options,
		 struct report **report, struct error *error)
{
	static const struct report_options none;
	if (!options)
		options = &none;
	*report = NULL;

	struct judgement *judgements = NULL;
	struct report *made = report_new(profile, profile->site_count);
	if (!made)
		return fail_without_memory(profile, error);
	if (!describe_differences(made))
		goto no_memory;
	size_t count = profile->snapshot_count;
	if (options->snapshot_limit && options->snapshot_limit < count)
		count = options->snapshot_limit;
	if (!count) {
		*report = made;
		return 0;
	}
	size_t last = count - 1;
	size_t first = options->first_snapshot < last ? options->first_snapshot : last;
	made->first_snapshot = first;
	made->last_snapshot = last;
	made->snapshot_count = last - first + 1;
	made->sampling = snapshot_sampling(profile, last);
	made->scan = profile_scan(profile, last);
	made->span_s =
		profile->snapshots[last].time_s - (first ? profile->snapshots[first].time_s : 0);
	if (!report_choose_points(made, first, last))
		goto no_memory;

	judgements = calloc(profile->site_count + 1, sizeof(*judgements));
	if (!judgements || !site_judgements_make(profile, first, last, judgements))
		goto no_memory;
	struct finding_list findings;
	if (finding_list_make(profile, judgements, first, last, made->memory->arena, &findings))
		goto no_memory;
	if (!options->flag_minor && !weight_set_minor(profile, first, last, judgements, &findings))
		goto no_memory;
	reachability_judge(profile, last, judgements);
	if (!reachability_judge_findings(profile, last, judgements, made->memory->arena, &findings))
		goto no_memory;
	if (options->flag_growing)
		flag_growing(judgements, profile->site_count, &findings);
	set_limits(&profile->snapshots[last].raw, judgements, profile->site_count, &findings);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		if (!site_at(site, last))
			continue;
		struct report_site *described = &made->sites[made->site_count];
		if (!report_describe(made, described, profile, site, last))
			goto no_memory;
		described->judgement = judgements[i];
		described->sampled = site_sampled(profile, site, last);
		if (!is_wanted(described, options))
			continue;
		if (!holder_shapes_make(&described->held_by, profile, &site, 1, last,
					made->memory->arena))
			goto no_memory;
		made->site_count++;
	}
	if (made->site_count)
		qsort(made->sites, made->site_count, sizeof(*made->sites), report_compare_sites);
	if (!report_make_entries(made, &findings, made->memory->arena) || !judge_process(made) ||
	    !list_holders(made))
		goto no_memory;
	free(judgements);
	*report = made;
	return 0;
no_memory:
	free(judgements);
	report_free(made);
	return fail_without_memory(profile, error);
}
