/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reachability: what a scan makes of the judgements of a run.
 */
#include "tools/model/reachability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/finding.h"
#include "tools/model/profile.h"
#include "tools/model/runtime_module.h"
#include "tools/model/verdict.h"

#define MOST 0.5 /* of what a site keeps */
/* Nothing ran while the process was copied, and all registers are known; or else. */
#define SURE 0.999
#define NEARLY_SURE 0.97
#define NO_SITE SIZE_MAX

/* ---- sums ---- */

/* No honest file comes near the end of what a number can be. */
static uint64_t sum_of(uint64_t one, uint64_t other)
{
	uint64_t sum;
	return __builtin_add_overflow(one, other, &sum) ? UINT64_MAX : sum;
}

static struct block_sum plus(struct block_sum one, struct block_sum other)
{
	return (struct block_sum){sum_of(one.blocks, other.blocks), sum_of(one.bytes, other.bytes)};
}

struct block_sum reachability_lost(const struct scanned_site *site)
{
	return plus(site->definitely, site->indirectly);
}

struct block_sum reachability_all(const struct scanned_site *site)
{
	return plus(reachability_lost(site), plus(site->possibly, site->reachable));
}

uint64_t reachability_gone(const struct scanned_site *site)
{
	uint64_t own = site->indirectly.bytes, below = site->below.bytes;
	return sum_of(site->definitely.bytes, own > below ? own : below);
}

uint64_t reachability_gone_blocks(const struct scanned_site *site)
{
	uint64_t own = site->indirectly.blocks, below = site->below.blocks;
	return sum_of(site->definitely.blocks, own > below ? own : below);
}

void reachability_add(struct scanned_site *sum, const struct scanned_site *site)
{
	sum->definitely = plus(sum->definitely, site->definitely);
	sum->indirectly = plus(sum->indirectly, site->indirectly);
	sum->possibly = plus(sum->possibly, site->possibly);
	sum->reachable = plus(sum->reachable, site->reachable);
	sum->below = plus(sum->below, site->below);
}

/* Blocks of no bytes are lost, too. */
static double share_lost(const struct scanned_site *site)
{
	struct block_sum lost = reachability_lost(site), all = reachability_all(site);
	if (all.bytes)
		return (double)lost.bytes / (double)all.bytes;
	return all.blocks ? (double)lost.blocks / (double)all.blocks : 0;
}

/* ---- one site ---- */

/* What the dynamic linker and the run-time libraries allocate for themselves before the program begins
 * is theirs: nobody can do anything about it, and their tricks with pointers are not ours to judge. */
static bool is_of_runtime(const struct profile *profile, uint32_t stack)
{
	for (uint32_t id = stack; id; id = profile->nodes[id].parent)
		if (!runtime_module_has(profile, id))
			return false;
	return stack != 0;
}

/* By what is gone for ever: there is no rate. A mebibyte is worth a look, 64 are worth a night. */
enum severity reachability_severity(uint64_t bytes)
{
	return bytes >= 64 << 20  ? SEVERITY_HIGH
	       : bytes >= 1 << 20 ? SEVERITY_MEDIUM
				  : SEVERITY_LOW;
}

static void judge(const struct scan *scan, const struct scanned_site *site,
		  struct judgement *judgement)
{
	bool is_mostly_lost = share_lost(site) >= MOST;
	bool is_sure = scan->raw.flags & SEEP_SCAN_IS_STOPPED && !scan->raw.unread_threads;
	if (!is_mostly_lost && (!site->definitely.blocks || judgement->verdict == VERDICT_LEAK))
		return;
	judgement->verdict = VERDICT_LOST;
	judgement->is_flagged = true;
	judgement->is_minor = false;
	judgement->confidence = is_sure ? SURE : NEARLY_SURE;
	judgement->snapshots_needed = 0;
	enum severity by_bytes =
		reachability_severity(plus(reachability_lost(site), site->below).bytes);
	if (by_bytes > judgement->severity)
		judgement->severity = by_bytes;
}

void reachability_judge(const struct profile *profile, size_t last, struct judgement *judgements)
{
	const struct scan *scan = profile_scan(profile, last);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		const struct scanned_site *scanned = site_scanned(profile, site, last);
		if (scanned && reachability_lost(scanned).blocks && site_at(site, last) &&
		    !is_of_runtime(profile, site->stack))
			judge(scan, scanned, &judgements[i]);
	}
}

/* ---- findings ---- */

static void judge_finding(const struct profile *profile, size_t last,
			  const struct judgement *judgements, struct finding *finding)
{
	struct scanned_site sum = {0};
	bool has_lost = false;
	for (size_t i = 0; i < finding->site_count; i++) {
		const struct site *site = &profile->sites[finding->sites[i]];
		const struct scanned_site *scanned = site_scanned(profile, site, last);
		if (scanned)
			reachability_add(&sum, scanned);
		has_lost |= judgements[finding->sites[i]].verdict == VERDICT_LOST;
	}
	if (has_lost)
		judge(profile_scan(profile, last), &sum, &finding->judgement);
	/* A group that does not stand out by itself is flagged for each of its sites. */
	if (has_lost && !finding->judgement.is_flagged) {
		finding->judgement.verdict = VERDICT_LOST;
		finding->judgement.is_flagged = true;
		finding->judgement.is_minor = false;
	}
}

static size_t index_of(const struct profile *profile, uint32_t stack)
{
	size_t low = 0, high = profile->site_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (profile->sites[middle].stack < stack)
			low = middle + 1;
		else
			high = middle;
	}
	return low < profile->site_count && profile->sites[low].stack == stack ? low : NO_SITE;
}

/* The site under which all that this one has lost hangs, and which has lost something by itself. */
static size_t head_of(const struct profile *profile, size_t last,
		      const struct judgement *judgements, size_t index)
{
	const struct scanned_site *site = site_scanned(profile, &profile->sites[index], last);
	if (judgements[index].verdict != VERDICT_LOST || !site || site->definitely.blocks ||
	    !site->head)
		return NO_SITE;
	size_t head = index_of(profile, site->head);
	const struct scanned_site *of_head =
		head == NO_SITE ? NULL : site_scanned(profile, &profile->sites[head], last);
	bool is_head = of_head && of_head->definitely.blocks && head != index &&
		       judgements[head].verdict == VERDICT_LOST;
	return is_head ? head : NO_SITE;
}

struct member {
	size_t head, index;
	uint64_t bytes;
};

/* Under one head the most bytes first. */
static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	if (a->head != b->head)
		return a->head > b->head ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return (a->index > b->index) - (a->index < b->index);
}

/* `is_taken` tells the sites that are part of a finding already. */
static size_t list_members(const struct profile *profile, size_t last,
			   const struct judgement *judgements, const bool *is_taken,
			   struct member *members)
{
	size_t count = 0;
	for (size_t i = 0; i < profile->site_count; i++) {
		size_t head = is_taken[i] ? NO_SITE : head_of(profile, last, judgements, i);
		if (head == NO_SITE || is_taken[head])
			continue;
		const struct scanned_site *site = site_scanned(profile, &profile->sites[i], last);
		members[count++] = (struct member){head, i, site->indirectly.bytes};
	}
	if (count)
		qsort(members, count, sizeof(*members), compare_members);
	return count;
}

/* What grows with the head grows because of it. */
static void add_growth(struct judgement *to, const struct judgement *from)
{
	if (!(from->growth.bytes_per_hour > 0))
		return;
	to->growth.bytes_per_hour += from->growth.bytes_per_hour;
	to->growth.bytes_per_hour_ci95[0] += from->growth.bytes_per_hour_ci95[0];
	to->growth.bytes_per_hour_ci95[1] += from->growth.bytes_per_hour_ci95[1];
	to->growth.blocks_per_hour += from->growth.blocks_per_hour;
	if (from->severity > to->severity)
		to->severity = from->severity;
}

/* One finding for each head; `members` come by head. */
static bool add_groups(const struct profile *profile, const struct judgement *judgements,
		       const struct member *members, size_t count, struct arena *arena,
		       struct finding_list *list)
{
	struct finding *longer = arena_take(arena, list->count + count, sizeof(*longer));
	uint32_t *sites = arena_take(arena, 2 * count, sizeof(*sites));
	if (!longer || !sites)
		return false;
	if (list->count)
		memcpy(longer, list->findings, list->count * sizeof(*longer));
	list->findings = longer;
	for (size_t i = 0; i < count;) {
		size_t head = members[i].head;
		struct finding *group = &longer[list->count++];
		*group = (struct finding){
			.kind = FINDING_LOST,
			.node = profile->sites[head].stack,
			.judgement = judgements[head],
			.sites = sites,
			.share_kept = NAN,
		};
		sites[group->site_count++] = (uint32_t)head;
		for (; i < count && members[i].head == head; i++) {
			sites[group->site_count++] = (uint32_t)members[i].index;
			add_growth(&group->judgement, &judgements[members[i].index]);
		}
		sites += group->site_count;
	}
	return true;
}

bool reachability_judge_findings(const struct profile *profile, size_t last,
				 const struct judgement *judgements, struct arena *arena,
				 struct finding_list *findings)
{
	const struct scan *scan = profile_scan(profile, last);
	if (!scan || scan->raw.outcome != SEEP_SCAN_DONE)
		return true;
	bool *is_taken = calloc(profile->site_count + 1, sizeof(*is_taken));
	struct member *members = calloc(profile->site_count + 1, sizeof(*members));
	bool is_fine = is_taken && members;
	for (size_t i = 0; is_fine && i < findings->count; i++) {
		struct finding *finding = &findings->findings[i];
		if (finding->kind == FINDING_SITE)
			continue;
		judge_finding(profile, last, judgements, finding);
		for (size_t s = 0; s < finding->site_count; s++)
			is_taken[finding->sites[s]] = true;
	}
	size_t count = is_fine ? list_members(profile, last, judgements, is_taken, members) : 0;
	if (count)
		is_fine = add_groups(profile, judgements, members, count, arena, findings);
	free(is_taken);
	free(members);
	return is_fine;
}
