/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_walk: what of a report is shown, in which order, and what it comes to.
 */
#include "tools/output/report_walk.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/model/profile.h"
#include "tools/model/reachability.h"

static bool is_shown(const struct report *report, const struct report_site *site)
{
	return !report->old || site->delta_bytes != 0 || site->delta_blocks != 0;
}

static void sum_add(struct site_sum *sum, const struct report_site *site)
{
	sum->count++;
	sum->flagged_count += site->judgement.is_flagged;
	sum->bytes += site->live_bytes;
	sum->blocks += site->live_blocks;
	sum->delta_bytes += site->delta_bytes;
}

static void note_change(struct report_view *view, const struct report_site *site)
{
	if (site->delta_bytes > 0 || (site->delta_bytes == 0 && site->delta_blocks > 0)) {
		view->change.grown_count++;
		view->change.grown_bytes += site->delta_bytes;
		view->foremost = view->foremost ? view->foremost : site;
	} else if (site->delta_bytes < 0 || site->delta_blocks < 0) {
		view->change.shrunk_count++;
		view->change.shrunk_bytes += site->delta_bytes;
	}
}

/* The conclusion is about the sites of `verdict`; the first one met is the foremost, because the
 * report is sorted. */
static void note_finding(struct report_view *view, const struct report_site *site)
{
	double rate = site->judgement.growth.bytes_per_hour;

	view->foremost = view->foremost ? view->foremost : site;
	if (!isnan(rate) && site->judgement.verdict != VERDICT_LOST)
		view->finding.bytes_per_hour += rate;
}

/* The `index`-th of what stands in a report, as a site: of entries, where there are some. */
static const struct report_site *counted_site(const struct report *report, size_t index)
{
	return report->entries ? report_entry_site(&report->entries[index]) : &report->sites[index];
}

static void conclude(struct report_view *view)
{
	const struct report *report = view->report;
	size_t count = report->entries ? report->entry_count : report->site_count;
	size_t unfreed_count = 0;
	uint64_t live_blocks = 0;

	for (size_t i = 0; i < count; i++) {
		const struct report_site *site = counted_site(report, i);
		const struct judgement *judgement = &site->judgement;
		if (judgement->is_flagged && judgement->verdict == VERDICT_LOST) {
			view->finding.lost_count++;
			view->finding.lost_bytes +=
				site->scanned ? reachability_gone(site->scanned) : site->live_bytes;
		}
		view->finding.leak_count +=
			judgement->is_flagged && judgement->verdict == VERDICT_LEAK;
		view->finding.growing_count += judgement->verdict == VERDICT_GROWING;
		unfreed_count += judgement->verdict == VERDICT_UNFREED;
		live_blocks += site->live_blocks;
	}
	if (report->profile->snapshot_count == 0)
		view->conclusion = CONCLUSION_NO_SNAPSHOT;
	else if (profile_is_unseen(report->profile))
		view->conclusion = CONCLUSION_UNSEEN;
	else if (view->finding.lost_count + view->finding.leak_count > 0)
		view->conclusion = CONCLUSION_LEAKS;
	else if (view->finding.growing_count > 0)
		view->conclusion = CONCLUSION_GROWING;
	else if (live_blocks == 0 &&
		 report->profile->snapshots[report->last_snapshot].raw.live_blocks == 0)
		view->conclusion = CONCLUSION_ALL_FREED;
	else if (unfreed_count > 0)
		view->conclusion = CONCLUSION_TOO_SHORT;
	else
		view->conclusion = CONCLUSION_CALM;
	for (size_t i = 0; i < count; i++) {
		const struct report_site *site = counted_site(report, i);
		enum verdict verdict = site->judgement.verdict;
		if ((view->conclusion == CONCLUSION_LEAKS && site->judgement.is_flagged) ||
		    (view->conclusion == CONCLUSION_GROWING && verdict == VERDICT_GROWING) ||
		    (view->conclusion == CONCLUSION_TOO_SHORT && verdict == VERDICT_UNFREED))
			note_finding(view, site);
	}
}

/* What is left out counts as sites, also where they are one leak. */
static void leave_out(struct report_view *view, const struct report_entry *entry)
{
	if (entry->site)
		sum_add(&view->rest, entry->site);
	for (size_t i = 0; entry->finding && i < entry->finding->site_count; i++)
		sum_add(&view->rest, entry->finding->sites[i]);
}

static int walk_entries(struct report_view *view, size_t limit,
			const struct report_emitter *emitter, void *context)
{
	const struct report *report = view->report;
	size_t shown = limit && limit < report->entry_count ? limit : report->entry_count;
	int result;

	for (size_t i = shown; i < report->entry_count; i++)
		leave_out(view, &report->entries[i]);
	result = emitter->begin(view, context);
	for (size_t i = 0; i < shown && result == 0; i++) {
		const struct report_entry *entry = &report->entries[i];
		result = entry->finding ? emitter->finding(view, entry->finding, i + 1, context)
					: emitter->site(view, entry->site, i + 1, context);
	}
	return result == 0 ? emitter->end(view, context) : result;
}

static int walk_sites(struct report_view *view, size_t limit, const struct report_emitter *emitter,
		      void *context)
{
	const struct report *report = view->report;
	const struct report_site **shown = calloc(report->site_count + 1, sizeof(*shown));
	size_t count = 0;
	int result;

	if (!shown)
		return -ENOMEM;
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		if (!is_shown(report, site))
			continue;
		if (report->old)
			note_change(view, site);
		if (limit == 0 || count < limit)
			shown[count++] = site;
		else
			sum_add(&view->rest, site);
	}
	result = emitter->begin(view, context);
	for (size_t i = 0; i < count && result == 0; i++)
		result = emitter->site(view, shown[i], i + 1, context);
	if (result == 0)
		result = emitter->end(view, context);
	free(shown);
	return result;
}

int report_walk(const struct report *report, size_t limit, const struct report_emitter *emitter,
		void *context)
{
	struct report_view view = {.report = report};

	if (report->old)
		view.conclusion = CONCLUSION_DIFF;
	else
		conclude(&view);
	if (emitter->finding && report->entries)
		return walk_entries(&view, limit, emitter, context);
	return walk_sites(&view, limit, emitter, context);
}
