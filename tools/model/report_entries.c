/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_entries: the order of a report, and its sites taken together where they are one leak.
 */
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/finding.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/threshold.h"

static int compare_numbers(double left, double right)
{
	return (left < right) - (left > right); /* the larger one first */
}

int report_compare_sites(const void *left, const void *right)
{
	const struct report_site *a = left, *b = right;
	if (a->judgement.is_flagged != b->judgement.is_flagged)
		return a->judgement.is_flagged ? -1 : 1;
	/* A site that shrinks is not less worth a look than one that stays. */
	double a_rate = a->judgement.growth.bytes_per_hour,
	       b_rate = b->judgement.growth.bytes_per_hour;
	int order = compare_numbers(a_rate > 0 ? a_rate : 0, b_rate > 0 ? b_rate : 0);
	if (!order)
		order = (a->live_bytes < b->live_bytes) - (a->live_bytes > b->live_bytes);
	return order ? order : (a->stack > b->stack) - (a->stack < b->stack);
}

bool report_site_hangs(const struct report_site *site)
{
	const struct report_finding *finding = site->finding;

	return finding && finding->kind == FINDING_LOST && site->stack != finding->sum.stack;
}

const struct report_finding *report_site_finding(const struct report_site *site)
{
	const struct report_finding *finding = site->finding;

	return finding && finding->joined ? finding->joined : finding;
}

bool report_has_known(const struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].suppression)
			return true;
	return false;
}

bool report_site_is_known(const struct report_site *site)
{
	const struct report_finding *finding = report_site_finding(site);

	return site->suppression && !(finding && finding->sum.judgement.is_flagged);
}

struct report_site *report_entry_site(const struct report_entry *entry)
{
	return entry->finding ? &entry->finding->sum : entry->site;
}

size_t report_leak_count(const struct report *report)
{
	size_t count = 0;
	for (size_t i = 0; i < report->entry_count; i++)
		count += report_entry_site(&report->entries[i])->judgement.is_flagged;
	return count;
}

static int compare_entries(const void *left, const void *right)
{
	const struct report_site *a = report_entry_site(left), *b = report_entry_site(right);
	int order = report_compare_sites(a, b);
	return order ? order : (a->depth > b->depth) - (a->depth < b->depth);
}

static int compare_site_pointers(const void *left, const void *right)
{
	const struct report_site *a = *(const struct report_site *const *)left;
	const struct report_site *b = *(const struct report_site *const *)right;
	return (a > b) - (a < b);
}

static void add_to_sum(const struct report *report, struct report_site *sum,
		       const struct report_site *site)
{
	sum->live_bytes += site->live_bytes;
	sum->live_blocks += site->live_blocks;
	sum->allocations += site->allocations;
	sum->frees += site->frees;
	for (size_t i = 0; i < report->point_count; i++) {
		sum->series_bytes[i] += site->series_bytes[i];
		sum->series_blocks[i] += site->series_blocks[i];
	}
}

/* The most that they held at one of the points; what each held at its own peak says nothing. */
static void find_peak(const struct report *report, struct report_site *sum)
{
	sum->peak_bytes = sum->live_bytes;
	sum->peak_blocks = sum->live_blocks;
	for (size_t i = 0; i < report->point_count; i++)
		if (sum->series_bytes[i] > sum->peak_bytes) {
			sum->peak_bytes = sum->series_bytes[i];
			sum->peak_blocks = sum->series_blocks[i];
		}
}

/* Who frees the blocks of all its sites, and who holds them. */
static bool list_freers_and_holders(const struct report *report, struct report_finding *made,
				    struct arena *arena)
{
	const struct site **sites = malloc((made->site_count + 1) * sizeof(struct site *));
	for (size_t i = 0; sites && i < made->site_count; i++)
		sites[i] = made->sites[i]->site;
	bool is_fine = sites &&
		       freer_list_make(&made->sum.freed_by, report->profile, sites,
				       made->site_count, arena) &&
		       holder_shapes_make(&made->sum.held_by, report->profile, sites,
					  made->site_count, report->last_snapshot, arena);
	free(sites);
	return is_fine;
}

/* What was found of all its parts or sites; of what one has lost, of that one. */
static bool add_scans(const struct report *report, struct report_finding *made, struct arena *arena)
{
	if (!made->site_count || !report->scan || report->scan->raw.outcome != SEEP_SCAN_DONE)
		return true;
	struct scanned_site *sum = arena_take(arena, 1, sizeof(*sum));
	for (size_t i = 0; sum && i < made->part_count; i++) {
		const struct report_site *part = report_entry_site(&made->parts[i]);
		if (part->scanned)
			reachability_add(sum, part->scanned);
	}
	for (size_t i = 0; sum && !made->part_count && i < made->site_count; i++) {
		const struct report_site *site = made->sites[i];
		if (site->scanned &&
		    (made->kind != FINDING_LOST || site->stack == made->sum.stack))
			reachability_add(sum, site->scanned);
	}
	made->sum.scanned = sum;
	return sum;
}

bool report_sum_up(const struct report *report, struct report_finding *made, struct arena *arena)
{
	struct report_site *sum = &made->sum;
	sum->profile = report->profile;
	sum->series_bytes = arena_take(arena, report->point_count, sizeof(*sum->series_bytes));
	sum->series_blocks = arena_take(arena, report->point_count, sizeof(*sum->series_blocks));
	if (!sum->series_bytes || !sum->series_blocks)
		return false;
	for (size_t i = 0; i < made->site_count; i++)
		add_to_sum(report, sum, made->sites[i]);
	find_peak(report, sum);
	return list_freers_and_holders(report, made, arena) && add_scans(report, made, arena);
}

/* `by_index` finds the report's site of each of the profile's. */
static bool describe_finding(struct report *report, struct report_finding *made,
			     const struct finding *finding, struct report_site *const *by_index,
			     struct arena *arena)
{
	struct report_site *sum = &made->sum;
	made->kind = finding->kind;
	made->all_count = finding->site_count;
	/* That of all judged periods, where it is known: as the evidence has it. */
	const struct verdict_evidence *evidence = &finding->judgement.evidence;
	made->share_kept = evidence->births > 0 && finding->kind != FINDING_LOST
				   ? 1 - evidence->freed / evidence->births
				   : finding->share_kept;
	made->sites = arena_take(arena, finding->site_count, sizeof(struct report_site *));
	sum->stack = finding->node;
	sum->depth = finding->depth;
	sum->judgement = finding->judgement;
	if (!made->sites)
		return false;
	for (size_t i = 0; i < finding->site_count; i++) {
		struct report_site *site = by_index[finding->sites[i]];
		if (!site)
			continue;
		site->finding = made;
		made->sites[made->site_count++] = site;
	}
	if (!report_sum_up(report, made, arena))
		return false;
	if (made->site_count)
		qsort(made->sites, made->site_count, sizeof(struct report_site *),
		      compare_site_pointers);
	return true;
}

void report_sort_entries(struct report *report)
{
	if (report->entry_count)
		qsort(report->entries, report->entry_count, sizeof(*report->entries),
		      compare_entries);
}

bool report_make_entries(struct report *report, const struct finding_list *findings,
			 struct arena *arena)
{
	const struct profile *profile = report->profile;
	struct report_site **by_index = calloc(profile->site_count + 1, sizeof(*by_index));
	report->entries =
		arena_take(arena, report->site_count + findings->count, sizeof(*report->entries));
	bool is_fine = by_index && report->entries;
	for (size_t i = 0; is_fine && i < report->site_count; i++)
		by_index[report->sites[i].site - profile->sites] = &report->sites[i];
	for (size_t i = 0; is_fine && i < findings->count; i++) {
		const struct finding *finding = &findings->findings[i];
		if (finding->kind == FINDING_SITE)
			continue;
		struct report_finding *made = arena_take(arena, 1, sizeof(*made));
		is_fine = made && describe_finding(report, made, finding, by_index, arena);
		if (is_fine && made->site_count)
			report->entries[report->entry_count++].finding = made;
	}
	for (size_t i = 0; is_fine && i < report->site_count; i++)
		if (!report->sites[i].finding)
			report->entries[report->entry_count++].site = &report->sites[i];
	if (is_fine)
		report_sort_entries(report);
	free(by_index);
	return is_fine;
}

/* Where sites have gone: each is known by the profile's site that it is about. */
struct moved_sites {
	struct report_site *sites, *end;
	const struct profile *profile;
	const struct site **before; /* by old place */
	struct report_site **now;   /* by index in the profile */
};

static struct report_site *moved(const struct moved_sites *moved, const struct report_site *site)
{
	/* What is no leak may be no site of the report. */
	if (site < moved->sites || site >= moved->end)
		return (struct report_site *)site;
	return moved->now[moved->before[site - moved->sites] - moved->profile->sites];
}

/* Another site may stand on a way. */
static void follow_ways(struct holder_shapes *held_by, const struct moved_sites *sites)
{
	for (size_t i = 0; i < held_by->count; i++)
		if (held_by->shapes[i].through)
			held_by->shapes[i].through = moved(sites, held_by->shapes[i].through);
}

/* A joined one has an order of its own. */
static void follow_sites(struct report_finding *finding, const struct moved_sites *sites)
{
	for (size_t i = 0; i < finding->part_count; i++) {
		struct report_entry *part = &finding->parts[i];
		if (part->site)
			part->site = moved(sites, part->site);
		if (part->finding)
			follow_sites(part->finding, sites);
	}
	for (size_t i = 0; i < finding->site_count; i++)
		finding->sites[i] = moved(sites, finding->sites[i]);
	if (finding->site_count && !finding->part_count)
		qsort(finding->sites, finding->site_count, sizeof(struct report_site *),
		      compare_site_pointers);
	follow_ways(&finding->sum.held_by, sites);
}

static void follow(struct report *report, const struct moved_sites *sites)
{
	for (size_t i = 0; i < report->site_count; i++)
		follow_ways(&report->sites[i].held_by, sites);
	for (size_t i = 0; i < report->entry_count; i++) {
		struct report_entry *entry = &report->entries[i];
		if (entry->finding)
			follow_sites(entry->finding, sites);
		if (entry->site)
			entry->site = moved(sites, entry->site);
	}
	for (size_t i = 0; i < report->crossing_count; i++)
		if (report->crossings[i].site)
			report->crossings[i].site = moved(sites, report->crossings[i].site);
	for (size_t i = 0; i < report->pin_count; i++)
		report->pins[i].site = moved(sites, report->pins[i].site);
}

bool report_sort_again(struct report *report)
{
	struct moved_sites sites = {
		.sites = report->sites,
		.end = report->sites + report->site_count,
		.profile = report->profile,
		.before = calloc(report->site_count + 1, sizeof(struct site *)),
		.now = calloc(report->profile->site_count + 1, sizeof(struct report_site *)),
	};
	bool is_fine = sites.before && sites.now;
	if (is_fine && report->site_count) {
		for (size_t i = 0; i < report->site_count; i++)
			sites.before[i] = report->sites[i].site;
		qsort(report->sites, report->site_count, sizeof(*report->sites),
		      report_compare_sites);
		for (size_t i = 0; i < report->site_count; i++)
			sites.now[report->sites[i].site - report->profile->sites] =
				&report->sites[i];
		follow(report, &sites);
		report_sort_entries(report);
	}
	free(sites.before);
	free(sites.now);
	return is_fine;
}
