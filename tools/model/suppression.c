/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression: which sites of a report somebody knows already.
 */
#include "tools/model/suppression.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/frame_pattern.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/scan.h"
#include "tools/model/source_place.h"
#include "tools/model/suppression_index.h"
#include "tools/model/wrong_free.h"

/* So many calls of one function are looked for in a baseline. */
#define TWINS_MAX 16

static unsigned kinds_of(const struct report_site *site)
{
	if (site->freed_with)
		return WRONG_FREE;
	return site->judgement.verdict == VERDICT_LOST ? LEAK_DEFINITE | LEAK_INDIRECT
						       : LEAK_REACHABLE;
}

struct suppressed_amount suppressed_amount(const struct report_site *site)
{
	if (site->judgement.verdict == VERDICT_LOST && site->scanned) {
		const struct block_sum lost = reachability_lost(site->scanned);
		return (struct suppressed_amount){.bytes = lost.bytes, .blocks = lost.blocks};
	}
	return (struct suppressed_amount){.bytes = site->live_bytes, .blocks = site->live_blocks};
}

bool suppression_has_expired(const struct suppression *suppression, int64_t now_unix_s)
{
	return suppression->expires_unix_s && now_unix_s >= suppression->expires_unix_s;
}

static bool has_same_source(const struct suppression *suppression, const struct report_site *site)
{
	if (!suppression->source)
		return true;
	const struct source_place place = source_place_of(site, suppression->folder);
	return source_place_is(&place, suppression->source);
}

/* Programs of a test suite have functions of the same names, of which main is one. A program may have been
 * renamed, and a source too, but what is neither of both is something else. Of older entries only the
 * base name of the source is known. */
static bool is_same_place(const struct suppression *suppression, const struct report_site *site)
{
	const char *name = site->profile->name;

	if (!suppression->source || !suppression->program)
		return true;
	const struct source_place place = source_place_of(site, suppression->folder);
	if (source_place_is(&place, suppression->source))
		return true;
	return strcmp(suppression->program, name ? name : "?") == 0 &&
	       (strncmp(suppression->source, SOURCE_PLACE_ANYWHERE,
			strlen(SOURCE_PLACE_ANYWHERE)) == 0 ||
		source_place_may_be(&place, suppression->source, suppression->folder));
}

bool suppression_matches(const struct suppression *suppression, const struct report_site *site)
{
	if (!site->frame_count || suppression->is_off || !(suppression->kinds & kinds_of(site)))
		return false;
	if (suppression->exe && strcmp(suppression->exe, site->profile->exe) != 0)
		return false;
	if (suppression->programs &&
	    !frame_pattern_lists(suppression->programs,
				 site->profile->name ? site->profile->name : "?"))
		return false;
	/* Sure to be faster: the lower end of what it may be. */
	if (suppression->site_id)
		return strcmp(suppression->site_id, site->id) == 0 &&
		       is_same_place(suppression, site) &&
		       !(site->judgement.growth.bytes_per_hour_ci95[0] >
			 suppression->max_bytes_per_hour);
	return frame_pattern_match(suppression->patterns, suppression->pattern_count, site);
}

/* Flagged by itself, or as a part of what is flagged. */
static bool is_accused(const struct report_site *site)
{
	return site->judgement.is_flagged ||
	       (site->finding && site->finding->sum.judgement.is_flagged);
}

/* The first of these that matches, of those that hold, and have the site's source or not. */
static struct suppression *find_of(struct suppressions *suppressions,
				   const struct report_site *site, const uint32_t *numbers,
				   size_t count, bool of_source, int64_t now_unix_s)
{
	for (size_t i = 0; i < count; i++) {
		struct suppression *suppression = &suppressions->list[numbers[i]];
		if (suppression->site_id && strcmp(suppression->site_id, site->id) != 0)
			continue;
		if (has_same_source(suppression, site) != of_source ||
		    !suppression_matches(suppression, site))
			continue;
		const struct suppressed_amount amount = suppressed_amount(site);
		suppression->site_count++;
		suppression->bytes += amount.bytes;
		suppression->blocks += amount.blocks;
		if (!suppression_has_expired(suppression, now_unix_s))
			return suppression;
	}
	return NULL;
}

static bool find(struct suppressions *suppressions, struct report_site *site, int64_t now_unix_s)
{
	const uint32_t *numbers;
	size_t count;

	if (!suppression_index_find(suppressions->index, site, &numbers, &count))
		return false;
	site->suppression = find_of(suppressions, site, numbers, count, true, now_unix_s);
	if (!site->suppression)
		site->suppression = find_of(suppressions, site, numbers, count, false, now_unix_s);
	return true;
}

/* A finding is known when all of its sites are. */
static void pardon_finding(struct report_finding *finding)
{
	for (size_t i = 0; i < finding->site_count; i++)
		if (!finding->sites[i]->suppression)
			return;
	if (!finding->site_count)
		return;
	finding->sum.judgement.is_flagged = false;
	finding->sum.suppression = finding->sites[0]->suppression;
}

/* What only lost blocks hold is known with them, as in LeakSanitizer. */
static void pardon_what_hangs(struct report_finding *finding)
{
	const struct suppression *suppression = NULL;

	for (size_t i = 0; i < finding->site_count; i++)
		if (finding->sites[i]->stack == finding->sum.stack)
			suppression = finding->sites[i]->suppression;
	for (size_t i = 0; suppression && i < finding->site_count; i++)
		if (!finding->sites[i]->suppression)
			finding->sites[i]->suppression = suppression;
}

static bool has_more(const struct suppression *suppression)
{
	return suppression->bytes > suppression->max_bytes ||
	       suppression->blocks > suppression->max_blocks;
}

/* The ids of all calls with the same functions. */
struct twin_ids {
	char ids[TWINS_MAX][sizeof(((struct report_site *)NULL)->id)];
};

static void list_twin_ids(const struct report_site *site, struct twin_ids *twins)
{
	struct report_site twin = *site;

	for (size_t number = 0; number < TWINS_MAX; number++) {
		report_site_number(&twin, number);
		memcpy(twins->ids[number], twin.id, sizeof(twin.id));
	}
}

/* Is it an entry for a twin of the site, from which nothing was taken in this report? */
static bool is_free_for(const struct suppression *entry, const struct report_site *site,
			const struct twin_ids *twins)
{
	const struct suppressed_amount amount = suppressed_amount(site);

	if (!entry->site_id || entry->bytes || entry->blocks || amount.bytes > entry->max_bytes ||
	    amount.blocks > entry->max_blocks)
		return false;
	for (size_t number = 0; number < TWINS_MAX; number++) {
		struct report_site twin;
		if (strcmp(twins->ids[number], entry->site_id) != 0)
			continue;
		twin = *site;
		memcpy(twin.id, twins->ids[number], sizeof(twin.id));
		return suppression_matches(entry, &twin);
	}
	return false;
}

/* Which number a site has among its twins, is known of those that this run has called. Where one was
 * not, or is new, another entry of a baseline may be the one for it. */
static bool settle_twins(struct suppressions *suppressions, struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		struct suppression *own =
			site->suppression
				? &suppressions->list[site->suppression - suppressions->list]
				: NULL;
		const struct suppressed_amount amount = suppressed_amount(site);
		struct twin_ids twins;
		const char *ids[TWINS_MAX];
		const uint32_t *numbers;
		size_t found = 0, count;
		if (!is_accused(site) || !site->frame_count ||
		    (own && (!own->site_id || !has_more(own))))
			continue;
		list_twin_ids(site, &twins);
		for (size_t number = 0; number < TWINS_MAX; number++)
			ids[number] = twins.ids[number];
		if (!suppression_index_find_ids(suppressions->index, ids, TWINS_MAX, &numbers,
						&count))
			return false;
		while (found < count &&
		       !is_free_for(&suppressions->list[numbers[found]], site, &twins))
			found++;
		if (found == count)
			continue;
		if (own) {
			own->site_count--;
			own->bytes -= amount.bytes;
			own->blocks -= amount.blocks;
		}
		struct suppression *entry = &suppressions->list[numbers[found]];
		entry->site_count++;
		entry->bytes += amount.bytes;
		entry->blocks += amount.blocks;
		site->suppression = entry;
	}
	return true;
}

static bool find_all(struct suppressions *suppressions, struct report *report, int64_t now_unix_s)
{
	bool is_fine = true;

	if (!suppressions->count)
		return true;
	if (!suppressions->index ||
	    suppression_index_count(suppressions->index) != suppressions->count) {
		suppression_index_free(suppressions->index);
		suppressions->index = suppression_index_new(suppressions);
	}
	if (!suppressions->index)
		return false;
	for (size_t i = 0; i < report->site_count && is_fine; i++)
		if (is_accused(&report->sites[i]))
			is_fine = find(suppressions, &report->sites[i], now_unix_s);
	is_fine = is_fine && settle_twins(suppressions, report);
	suppression_index_forget(suppressions->index);
	return is_fine;
}

bool suppressions_apply(struct suppressions *suppressions, struct report *report,
			int64_t now_unix_s)
{
	bool any = false;

	for (size_t i = 0; i < suppressions->count; i++)
		if (suppressions->list[i].site_id)
			suppressions->list[i].bytes = suppressions->list[i].blocks = 0;
	if (!find_all(suppressions, report, now_unix_s))
		return false;
	/* Of a baseline's it is remembered that some process had more. */
	for (size_t i = 0; i < suppressions->count; i++) {
		struct suppression *suppression = &suppressions->list[i];
		suppression->is_exceeded_here = has_more(suppression);
		suppression->is_exceeded |= suppression->is_exceeded_here;
	}
	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		if (site->suppression && site->suppression->is_exceeded_here)
			site->suppression = NULL;
	}
	for (size_t i = 0; i < report->entry_count; i++)
		if (report->entries[i].finding && report->entries[i].finding->kind == FINDING_LOST)
			pardon_what_hangs(report->entries[i].finding);
	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		if (!site->suppression)
			continue;
		site->judgement.is_flagged = false;
		any = true;
	}
	for (size_t i = 0; i < report->entry_count; i++)
		if (report->entries[i].finding)
			pardon_finding(report->entries[i].finding);
	return !any || report_sort_again(report);
}

void suppressions_apply_wrong_frees(struct suppressions *suppressions, struct report *report,
				    int64_t now_unix_s)
{
	for (size_t i = 0; i < report->wrong_free_count; i++) {
		struct report_site *site = &report->wrong_frees[i].freed;
		for (size_t s = 0; s < suppressions->count && !site->suppression; s++) {
			struct suppression *suppression = &suppressions->list[s];
			if (!suppression_matches(suppression, site))
				continue;
			suppression->site_count++;
			if (!suppression_has_expired(suppression, now_unix_s))
				site->suppression = suppression;
		}
	}
}

static uint64_t without(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

struct scan suppressions_leave(const struct report *report)
{
	struct scan rest = *report->scan;

	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		const struct scanned_site *scanned = site->scanned;
		if (!report_site_is_known(site) || !scanned)
			continue;
		rest.raw.definitely_blocks =
			without(rest.raw.definitely_blocks, scanned->definitely.blocks);
		rest.raw.definitely_bytes =
			without(rest.raw.definitely_bytes, scanned->definitely.bytes);
		rest.raw.indirectly_blocks =
			without(rest.raw.indirectly_blocks, scanned->indirectly.blocks);
		rest.raw.indirectly_bytes =
			without(rest.raw.indirectly_bytes, scanned->indirectly.bytes);
	}
	return rest;
}

void suppressions_note_process(struct suppressions *suppressions, const struct profile *profile)
{
	const char *name = profile->name ? profile->name : "?";
	bool has_failed = profile->is_running || profile->end_how == SEEP_END_SIGNAL ||
			  (profile->end_how == SEEP_END_EXIT && profile->end_status);

	for (size_t i = 0; i < suppressions->count; i++) {
		struct suppression *suppression = &suppressions->list[i];
		if (!suppression->site_id ||
		    (suppression->program && strcmp(suppression->program, name) != 0))
			continue;
		suppression->has_run = true;
		suppression->has_failed |= has_failed;
	}
}

void suppressions_note_failure(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++)
		suppressions->list[i].has_failed |= suppressions->list[i].site_id != NULL;
}

void suppressions_start_again(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++) {
		struct suppression *suppression = &suppressions->list[i];
		suppression->bytes = suppression->blocks = suppression->site_count = 0;
		suppression->is_exceeded = suppression->has_run = suppression->has_failed = false;
	}
}
