/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joined_findings: findings of a report that are one mistake become one finding.
 *
 * Sites under one wrapper are put together where sites are judged (finding); whoever comes here has been
 * judged, and nothing of that changes. Each site stays what it is, with its id, its entry in a baseline and
 * its suppression: only what is counted and shown as one is more. What somebody knows already takes no
 * part, so that what is left of a mistake does not vanish with what is known of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/cohort_series.h"
#include "tools/model/companions.h"
#include "tools/model/holder_links.h"
#include "tools/model/lost_place.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"

/* So much of what one part keeps hangs in blocks of another: that holds it. */
#define MOST 0.5
#define MAX_SUMMED 512 /* sites of which a series is made */

/* An entry that may be joined. */
struct part {
	size_t entry; /* index into report->entries; of one that has been joined NO_ENTRY */
	const uint32_t *sites;
	size_t site_count;
};

#define NO_ENTRY SIZE_MAX

/* Those with the same leader are one finding. */
struct member {
	size_t leader; /* of those that are compared */
	size_t part;   /* index into joining->parts */
};

struct joining {
	struct report *report;
	struct arena *arena;
	struct part *parts;
	size_t count;
	uint32_t *sites;	/* of all parts */
	struct member *members; /* room for one of each part */
	bool is_out_of_memory;
};

static struct report_site *site_of(const struct joining *joining, const struct part *part)
{
	return report_entry_site(&joining->report->entries[part->entry]);
}

static bool may_be_joined(const struct report_entry *entry)
{
	const struct judgement *judgement = &report_entry_site(entry)->judgement;
	bool is_leak = judgement->verdict == VERDICT_LEAK || judgement->verdict == VERDICT_LOST;
	return judgement->is_flagged && is_leak && !(entry->finding && entry->finding->part_count);
}

static void list_parts(struct joining *joining)
{
	const struct report *report = joining->report;
	uint32_t *next = joining->sites;
	for (size_t i = 0; i < report->entry_count; i++) {
		const struct report_entry *entry = &report->entries[i];
		if (!may_be_joined(entry))
			continue;
		struct part *part = &joining->parts[joining->count++];
		*part = (struct part){.entry = i, .sites = next};
		size_t count = entry->finding ? entry->finding->site_count : 1;
		for (size_t s = 0; s < count; s++) {
			const struct report_site *site =
				entry->finding ? entry->finding->sites[s] : entry->site;
			*next++ = (uint32_t)(site->site - report->profile->sites);
			part->site_count++;
		}
	}
}

/* ---- one finding of several ---- */

/* How many blocks of `part`, as a share, the program only holds by blocks of `holder`. */
static double share_held(const struct report_site *part, const struct report_entry *holder)
{
	double share = 0;
	size_t count = holder->finding ? holder->finding->site_count : 1;
	for (size_t i = 0; i < part->held_by.count; i++) {
		const struct holder_shape *shape = &part->held_by.shapes[i];
		bool is_held = false;
		for (size_t s = 0; s < shape->step_count && !is_held; s++)
			for (size_t h = 0; h < count && !is_held; h++)
				is_held =
					shape->steps[s].stack ==
					(holder->finding ? holder->finding->sites[h] : holder->site)
						->stack;
		share += is_held ? shape->share : 0;
	}
	return share;
}

/* The one that holds the most others goes to the front. */
static void put_holder_first(struct report_finding *made)
{
	size_t best = 0, most = 0;
	for (size_t i = 0; i < made->part_count; i++) {
		size_t held = 0;
		for (size_t j = 0; j < made->part_count; j++)
			held += i != j && share_held(report_entry_site(&made->parts[j]),
						     &made->parts[i]) >= MOST;
		if (held > most) {
			most = held;
			best = i;
		}
	}
	made->is_held_by_first = most + 1 == made->part_count;
	struct report_entry holder = made->parts[best];
	memmove(made->parts + 1, made->parts, best * sizeof(*made->parts));
	made->parts[0] = holder;
}

static bool list_sites(struct report_finding *made, struct arena *arena)
{
	size_t count = 0;
	for (size_t i = 0; i < made->part_count; i++) {
		struct report_finding *finding = made->parts[i].finding;
		count += finding ? finding->site_count : 1;
		made->all_count += finding ? finding->all_count : 1;
	}
	made->sites = arena_take(arena, count, sizeof(struct report_site *));
	for (size_t i = 0; made->sites && i < made->part_count; i++) {
		struct report_finding *finding = made->parts[i].finding;
		if (finding) {
			memcpy(made->sites + made->site_count, finding->sites,
			       finding->site_count * sizeof(*finding->sites));
			made->site_count += finding->site_count;
			finding->joined = made;
		} else {
			made->sites[made->site_count++] = made->parts[i].site;
			made->parts[i].site->finding = made;
		}
	}
	return made->sites;
}

/* As if all of them were one site. */
static bool judge_series(const struct report *report, const struct report_finding *made,
			 struct judgement *judgement)
{
	struct cohort_series *series = malloc(2 * sizeof(*series));
	if (!series)
		return false;
	series[0].count = 0;
	for (size_t i = 0; i < made->site_count && i < MAX_SUMMED; i++)
		cohort_series_add_site(&series[0], &series[1], report->profile,
				       made->sites[i]->site, report->first_snapshot,
				       report->last_snapshot);
	*judgement = verdict_judge_series(&series[0], NULL);
	free(series);
	return true;
}

/* The word, and that it is flagged, are those of the parts; why, of all together where that is so clear; what
 * they grow by is what stands in their lines. */
static bool judge(const struct report *report, struct report_finding *made)
{
	const struct seep_snapshot *totals = &report->profile->snapshots[report->last_snapshot].raw;
	struct judgement *judgement = &made->sum.judgement, of_sum;
	*judgement = report_entry_site(&made->parts[0])->judgement;
	if (!judge_series(report, made, &of_sum))
		return false;
	if (of_sum.verdict == VERDICT_LEAK) {
		of_sum.verdict = judgement->verdict;
		of_sum.is_flagged = true;
		of_sum.confidence = fmax(of_sum.confidence, judgement->confidence);
		of_sum.marks = judgement->marks;
		*judgement = of_sum;
	}
	struct growth *growth = &judgement->growth;
	growth->bytes_per_hour = growth->blocks_per_hour = 0;
	growth->bytes_per_hour_ci95[0] = growth->bytes_per_hour_ci95[1] = 0;
	for (size_t i = 0; i < made->part_count; i++) {
		const struct judgement *part = &report_entry_site(&made->parts[i])->judgement;
		judgement->confidence = fmax(judgement->confidence, part->confidence);
		if (!(part->growth.bytes_per_hour > 0))
			continue;
		growth->bytes_per_hour += part->growth.bytes_per_hour;
		growth->bytes_per_hour_ci95[0] += part->growth.bytes_per_hour_ci95[0];
		growth->bytes_per_hour_ci95[1] += part->growth.bytes_per_hour_ci95[1];
		growth->blocks_per_hour += part->growth.blocks_per_hour;
	}
	verdict_set_limit(judgement, (double)totals->limit_used_bytes, (double)totals->limit_bytes);
	enum severity severity = judgement->severity;
	for (size_t i = 0; i < made->part_count; i++) {
		const struct report_site *part = report_entry_site(&made->parts[i]);
		if (part->judgement.severity > severity)
			severity = part->judgement.severity;
	}
	if (judgement->verdict == VERDICT_LOST && made->sum.scanned) {
		enum severity lost = reachability_severity(reachability_gone(made->sum.scanned));
		severity = lost > severity ? lost : severity;
	}
	judgement->severity = severity;
	return true;
}

/* Of all that their sites have allocated; of what grew, as the evidence has it. */
static double share_kept(const struct report_finding *made)
{
	const struct report_site *sum = &made->sum;
	const struct verdict_evidence *evidence = &sum->judgement.evidence;
	if (sum->judgement.verdict == VERDICT_LEAK)
		return evidence->births > 0 ? 1 - evidence->freed / evidence->births : NAN;
	return sum->allocations ? fmin(1, (double)sum->live_blocks / (double)sum->allocations)
				: NAN;
}

/* Of the parts of these members, which come in the order of the report. */
static struct report_finding *make(struct joining *joining, enum finding_kind kind,
				   const struct member *members, size_t count)
{
	struct report_finding *made = arena_take(joining->arena, 1, sizeof(*made));
	if (!made || !(made->parts = arena_take(joining->arena, count, sizeof(*made->parts))))
		return NULL;
	made->kind = kind;
	for (size_t i = 0; i < count; i++)
		made->parts[made->part_count++] =
			joining->report->entries[joining->parts[members[i].part].entry];
	if (kind == FINDING_TOGETHER)
		put_holder_first(made);
	if (!list_sites(made, joining->arena) ||
	    !report_sum_up(joining->report, made, joining->arena) || !judge(joining->report, made))
		return NULL;
	made->share_kept = share_kept(made);
	made->sum.finding = made;
	return made;
}

/* The finding takes the place of its first part; the others go. */
static void enter(struct joining *joining, struct report_finding *made,
		  const struct member *members, size_t count)
{
	struct report *report = joining->report;
	size_t first = joining->parts[members[0].part].entry;
	for (size_t i = 0; i < count; i++) {
		struct part *part = &joining->parts[members[i].part];
		report->entries[part->entry] = (struct report_entry){0};
		part->entry = NO_ENTRY;
	}
	report->entries[first].finding = made;
	size_t less = made->part_count - 1, *leaks = &report->process_memory.leak_count;
	*leaks -= *leaks > less ? less : 0;
}

/* Null without memory. */
static struct report_finding *join(struct joining *joining, enum finding_kind kind,
				   const struct member *members, size_t count)
{
	struct report_finding *made = make(joining, kind, members, count);
	if (made)
		enter(joining, made, members, count);
	joining->is_out_of_memory |= !made;
	return made;
}

/* ---- which ---- */

static int compare_members(const void *a, const void *b)
{
	const struct member *one = a, *other = b;
	if (one->leader != other->leader)
		return one->leader < other->leader ? -1 : 1;
	return one->part < other->part ? -1 : one->part > other->part;
}

/* How many of the first of these have the same leader. */
static size_t count_alike(const struct member *members, size_t count)
{
	size_t alike = 1;
	while (alike < count && members[alike].leader == members[0].leader)
		alike++;
	return alike;
}

static void join_companions(struct joining *joining)
{
	struct member *members = joining->members;
	const struct report *report = joining->report;
	struct companion *leaks = calloc(joining->count, sizeof(*leaks));
	for (size_t i = 0; leaks && i < joining->count; i++)
		leaks[i] = (struct companion){
			.sites = joining->parts[i].sites,
			.site_count = joining->parts[i].site_count,
			.kind = (int)site_of(joining, &joining->parts[i])->judgement.verdict,
		};
	joining->is_out_of_memory =
		!leaks || !companions_find(report->profile, report->first_snapshot,
					   report->last_snapshot, leaks, joining->count);
	size_t count = joining->is_out_of_memory ? 0 : joining->count;
	for (size_t i = 0; i < count; i++)
		members[i] = (struct member){.leader = leaks[i].leader, .part = i};
	qsort(members, count, sizeof(*members), compare_members);
	for (size_t i = 0, alike; i < count; i += alike) {
		alike = count_alike(&members[i], count - i);
		if (alike < 2)
			continue;
		struct report_finding *made = join(joining, FINDING_TOGETHER, &members[i], alike);
		if (!made)
			break;
		made->sum.stack = leaks[members[i].leader].caller;
		made->is_same_number = leaks[members[i].leader].is_same_number;
	}
	free(leaks);
}

/* Whole frames: those that are inlined belong to the next one that is not. */
static uint32_t wrapper_frames(const struct report_site *site)
{
	uint32_t count = 0;
	for (size_t i = 0; i < site->frame_count && site->frames[i].is_wrapper; i++)
		count += !site->frames[i].is_inlined;
	return count;
}

static bool is_lost_site(const struct joining *joining, const struct part *part)
{
	if (part->entry == NO_ENTRY)
		return false;
	const struct report_entry *entry = &joining->report->entries[part->entry];
	return report_entry_site(entry)->judgement.verdict == VERDICT_LOST &&
	       (!entry->finding || entry->finding->kind == FINDING_LOST);
}

/* Fills `sites` and, for each of them, `parts`; returns how many there are. */
static size_t list_lost(const struct joining *joining, struct lost_site *sites, size_t *parts)
{
	const struct profile *profile = joining->report->profile;
	size_t count = 0;
	for (size_t i = 0; i < joining->count; i++) {
		if (!is_lost_site(joining, &joining->parts[i]))
			continue;
		const struct report_site *site = site_of(joining, &joining->parts[i]);
		uint32_t runtime = lost_place_runtime_frames(profile, site->stack),
			 wrappers = wrapper_frames(site);
		sites[count] = (struct lost_site){
			.stack = site->stack,
			.skipped = wrappers > runtime ? wrappers : runtime,
		};
		parts[count++] = i;
	}
	return count;
}

static void join_lost(struct joining *joining)
{
	struct lost_site *sites = calloc(joining->count, sizeof(*sites));
	size_t *parts = calloc(joining->count, sizeof(*parts)), lost_count = 0, count = 0;
	struct member *members = joining->members;
	if (sites && parts)
		lost_count = list_lost(joining, sites, parts);
	joining->is_out_of_memory =
		!sites || !parts ||
		!lost_place_find(joining->report->profile, joining->report->last_snapshot, sites,
				 lost_count);
	for (size_t i = 0; i < lost_count && !joining->is_out_of_memory; i++)
		if (sites[i].depth)
			members[count++] =
				(struct member){.leader = sites[i].leader, .part = parts[i]};
	qsort(members, count, sizeof(*members), compare_members);
	for (size_t i = 0, alike; i < count; i += alike) {
		const struct lost_site *first = &sites[members[i].leader];
		alike = count_alike(&members[i], count - i);
		if (alike < 2) {
			site_of(joining, &joining->parts[members[i].part])->is_lost_by_place =
				first->depth == first->skipped + 1;
			continue;
		}
		struct report_finding *made = join(joining, FINDING_CALLEE, &members[i], alike);
		if (!made)
			break;
		made->sum.stack = first->stack;
		made->sum.depth = first->depth;
		made->sum.is_lost_by_place = true;
	}
	free(sites);
	free(parts);
}

static void close_gaps(struct report *report)
{
	size_t count = 0;
	for (size_t i = 0; i < report->entry_count; i++)
		if (report->entries[i].finding || report->entries[i].site)
			report->entries[count++] = report->entries[i];
	report->entry_count = count;
}

bool joined_findings_make(struct report *report, struct arena *arena)
{
	struct joining joining = {.report = report, .arena = arena};
	if (!report->entry_count)
		return true;
	joining.parts = calloc(report->entry_count, sizeof(*joining.parts));
	joining.sites = calloc(report->site_count, sizeof(*joining.sites));
	joining.members = calloc(report->entry_count, sizeof(*joining.members));
	joining.is_out_of_memory = !joining.parts || !joining.sites || !joining.members;
	if (!joining.is_out_of_memory)
		list_parts(&joining);
	if (joining.count)
		join_companions(&joining);
	if (joining.count && !joining.is_out_of_memory)
		join_lost(&joining);
	close_gaps(report);
	report_sort_entries(report);
	if (!joining.is_out_of_memory && report->profile->holders)
		joining.is_out_of_memory = !holder_links_make(report);
	free(joining.parts);
	free(joining.sites);
	free(joining.members);
	return !joining.is_out_of_memory;
}
