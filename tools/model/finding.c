/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: groups of sites, the widest ones first.
 *
 *   1. For each site: what it allocated after start-up (births) and what of it is old and still
 *      there (kept). What a healthy site has is not kept, if it is enough to judge it by itself.
 *   2. A group for each caller and for each run of innermost frames of a site that keeps something.
 *   3. Do its sites keep the same part of their births? The distance between the distribution of
 *      what is kept and that of births over the sites (total variation) may be what chance makes of
 *      Poisson counts, and a bit more.
 *      Or do they share blocks: a function that hands out again what was freed? Then a block that one
 *      site lost another one may have allocated, and which site keeps how much says nothing.
 *   4. The group that stands out the most from all others is judged; when its sum leaks it is a
 *      finding, and its sites are spoken for. So for all groups. How much one stands out is the
 *      likelihood ratio of M. Kulldorff, "A Spatial Scan Statistic", Communications in Statistics 26
 *      (1997), with births for the population and what is kept for the cases. Of groups of the same
 *      sites the one with the most frames in common says most.
 *   5. What is flagged and not spoken for is a finding of itself.
 */
#include "tools/model/finding.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/cohort_series.h"
#include "tools/model/exchange.h"
#include "tools/model/profile.h"

/* Without memory uthash shall leave an entry out instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define OLD_SHARE 0.15
#define MAX_INNERMOST 4 /* frames of a FINDING_CALLEE */
#define MAX_MEMBERS 512 /* sites of which a sum is made, those that keep the most */
#define MAX_DISTANCE 0.25
#define FEW_KEPT 20	 /* so many blocks are too few to judge a site by itself */
#define MAX_POOLS 16	 /* groups of which it is asked whether they share blocks */
#define SINGLE_SHARE 0.8 /* a site that keeps more of its group is no group */

struct member {
	uint32_t site;
	double births, kept; /* as observed, see cohort_series_unit */
};

struct group_key {
	uint64_t pcs[MAX_INNERMOST]; /* of FINDING_CALLEE, else 0 */
	uint32_t kind, node;	     /* node of FINDING_CALLER, depth of the other */
};

struct group {
	UT_hash_handle hh;
	struct group_key key;
	uint32_t example; /* a stack of it */
	uint32_t depth;	  /* frames in common */
	struct member *members;
	size_t count, capacity;
	double births, kept;
	double score; /* how much it stands out */
	uint64_t members_hash;
};

struct work {
	const struct profile *profile;
	const struct judgement *judgements;
	size_t first, last;
	struct member *sites; /* by index of the site */
	struct group *groups; /* the hash */
	double births, kept;  /* of all sites */
	bool is_out_of_memory;
};

/* ---- births and kept blocks ---- */

/* The newest epoch that ended before this part of the time, but the first one at least. */
static uint32_t epoch_at(const struct work *work, double share)
{
	const struct snapshot *snapshots = work->profile->snapshots;
	double start = snapshots[work->first].time_s, end = snapshots[work->last].time_s;
	uint32_t epoch = snapshots[work->first].epoch;
	for (size_t i = work->first;
	     i <= work->last && snapshots[i].time_s <= start + (end - start) * share; i++)
		epoch = snapshots[i].epoch;
	return epoch;
}

static void count_blocks(struct work *work)
{
	const struct profile *profile = work->profile;
	uint32_t after = epoch_at(work, verdict_limits.startup_share),
		 until = epoch_at(work, 1 - OLD_SHARE);
	size_t start = work->first;
	while (start < work->last && profile->snapshots[start].epoch < after)
		start++;
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site_point *then = site_at(&profile->sites[i], start);
		size_t last = cohort_series_end_of_work(profile, &profile->sites[i], work->first,
							work->last);
		const struct site_point *now = site_at(&profile->sites[i], last);
		struct member *made = &work->sites[i];
		made->site = (uint32_t)i;
		if (!now)
			continue;
		made->births = (double)now->allocations - (then ? (double)then->allocations : 0);
		double unit = cohort_series_unit(profile, now);
		made->births = fmax(0, made->births) / unit;
		for (uint32_t c = 0; c < now->cohort_count; c++)
			if (now->cohorts[c].epoch > after && now->cohorts[c].epoch <= until)
				made->kept += (double)now->cohorts[c].blocks / unit;
		/* What a snapshot saw before it was counted. */
		made->kept = fmin(made->kept, made->births);
		if (made->kept > FEW_KEPT && !verdict_may_go_on(&work->judgements[i]))
			made->kept = 0;
		work->births += made->births;
		work->kept += made->kept;
	}
}

/* ---- groups ---- */

static void add_to(struct work *work, const struct group_key *key, uint32_t stack, uint32_t depth,
		   const struct member *member, bool may_be_new)
{
	struct group *group;
	HASH_FIND(hh, work->groups, key, sizeof(*key), group);
	if (!group) {
		if (!may_be_new)
			return;
		group = calloc(1, sizeof(*group));
		if (!group) {
			work->is_out_of_memory = true;
			return;
		}
		group->key = *key;
		group->example = stack;
		group->depth = depth;
		HASH_ADD(hh, work->groups, key, sizeof(group->key), group);
	}
	if (!array_reserve((void **)&group->members, &group->capacity, group->count + 1,
			   sizeof(*group->members))) {
		work->is_out_of_memory = true;
		return;
	}
	group->members[group->count++] = *member;
	group->births += member->births;
	group->kept += member->kept;
	group->members_hash += (member->site + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void add_site(struct work *work, const struct member *member, bool may_be_new)
{
	const struct profile *profile = work->profile;
	uint32_t stack = profile->sites[member->site].stack, depth = 0;
	struct group_key key;

	memset(&key, 0, sizeof(key));
	key.kind = FINDING_CALLEE;
	for (uint32_t node = stack; node && depth < MAX_INNERMOST;
	     node = profile->nodes[node].parent) {
		key.pcs[depth++] = profile->nodes[node].pc;
		key.node = depth;
		add_to(work, &key, stack, depth, member, may_be_new);
	}
	for (uint32_t node = stack; node; node = profile->nodes[node].parent)
		depth++;
	depth -= key.node;
	memset(&key, 0, sizeof(key));
	key.kind = FINDING_CALLER;
	for (uint32_t node = profile->nodes[stack].parent; node;
	     node = profile->nodes[node].parent) {
		key.node = node;
		add_to(work, &key, stack, --depth, member, may_be_new);
	}
}

/* Those that keep something make the groups, all others join them. */
static void make_groups(struct work *work)
{
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < work->profile->site_count; i++) {
			const struct member *member = &work->sites[i];
			if (member->births > 0 && (member->kept > 0) == (round == 0))
				add_site(work, member, round == 0);
		}
}

/* How much more likely it is that the group keeps another part than all else, than that it does not;
 * 0 where it keeps less. */
static double score_of(const struct work *work, const struct group *group)
{
	double rest_kept = work->kept - group->kept, rest_births = work->births - group->births;
	double rate = group->kept / group->births, all = work->kept / work->births;
	if (!(rate > all))
		return 0;
	double score = group->kept * log(rate / all);
	if (rest_kept > 0 && rest_births > 0)
		score += rest_kept * log(rest_kept / rest_births / all);
	return score;
}

/* Do all sites of the group keep the same part? */
static bool is_even(const struct group *group)
{
	double distance = 0, chance = 0, most = 0;
	size_t keepers = 0;
	for (size_t i = 0; i < group->count; i++) {
		const struct member *member = &group->members[i];
		double expected = group->kept * member->births / group->births;
		distance += fabs(member->kept - expected) / 2;
		/* Half of the mean deviation of a Poisson count: exact below 1, nearly so above. */
		chance += expected < 1 ? expected * exp(-expected) : sqrt(expected / (2 * M_PI));
		most = fmax(most, member->kept);
		keepers += member->kept > 0;
	}
	return keepers >= 2 && most <= SINGLE_SHARE * group->kept &&
	       distance <= MAX_DISTANCE * group->kept + chance;
}

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	if (a->kept != b->kept)
		return a->kept < b->kept ? 1 : -1;
	return (a->site > b->site) - (a->site < b->site);
}

/* The one that stands out the most first; of the same sites the one with most in common, and there the
 * wrapper before the caller: it is nearer to the cause. */
static int compare_groups(const void *left, const void *right)
{
	const struct group *a = *(struct group *const *)left, *b = *(struct group *const *)right;
	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	if (a->members_hash != b->members_hash)
		return a->members_hash < b->members_hash ? 1 : -1;
	if (a->key.kind != b->key.kind)
		return a->key.kind < b->key.kind ? 1 : -1;
	if (a->depth != b->depth)
		return a->depth < b->depth ? 1 : -1;
	return (a->example > b->example) - (a->example < b->example);
}

/* ---- choosing ---- */

static struct judgement judge_sum(const struct work *work, const struct group *group,
				  struct cohort_series *sum, struct cohort_series *part)
{
	sum->count = 0;
	for (size_t i = 0; i < group->count && i < MAX_MEMBERS && group->members[i].kept > 0; i++)
		cohort_series_add_site(sum, part, work->profile,
				       &work->profile->sites[group->members[i].site], work->first,
				       work->last);
	return verdict_judge_series(sum, NULL);
}

/* Are several sites of it flagged, none of which carries it alone? */
static bool has_leaks(const struct work *work, const struct group *group)
{
	size_t leaks = 0;
	double most = 0;
	for (size_t i = 0; i < group->count; i++) {
		leaks += work->judgements[group->members[i].site].is_flagged;
		most = fmax(most, group->members[i].kept);
	}
	return leaks >= 2 && most <= SINGLE_SHARE * group->kept;
}

/* Do its sites take from each other what was freed? All of them are asked, also those that keep nothing. */
static bool shares_blocks(const struct work *work, const struct group *group,
			  struct cohort_series *sum, struct cohort_series *part)
{
	sum->count = 0;
	for (size_t i = 0; i < group->count; i++)
		cohort_series_add_site(sum, part, work->profile,
				       &work->profile->sites[group->members[i].site], work->first,
				       work->last);
	/* The second half: a pool that still fills calls malloc as everybody does. */
	size_t from = sum->count / 2;
	return exchange_hands_out_again(sum->live_blocks + from, sum->births + from,
					sum->count - from);
}

static struct finding *add_finding(struct finding_list *list, struct finding finding)
{
	list->findings[list->count] = finding;
	return &list->findings[list->count++];
}

static int take_group(const struct group *group, struct judgement judgement, struct arena *arena,
		      struct finding_list *list)
{
	size_t keepers = 0;
	while (keepers < group->count && group->members[keepers].kept > 0)
		keepers++;
	uint32_t *sites = arena_take(arena, keepers, sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	for (size_t i = 0; i < keepers; i++)
		sites[i] = group->members[i].site;
	bool is_caller = group->key.kind == FINDING_CALLER;
	add_finding(list, (struct finding){
				  .kind = group->key.kind,
				  .node = is_caller ? group->key.node : group->example,
				  .depth = is_caller ? 0 : group->depth,
				  .judgement = judgement,
				  .sites = sites,
				  .site_count = keepers,
				  .share_kept = group->kept / group->births,
			  });
	return 0;
}

static int choose_groups(struct work *work, struct group **groups, size_t count, bool *is_taken,
			 struct arena *arena, struct finding_list *list)
{
	struct cohort_series *series = malloc(2 * sizeof(*series));
	size_t judged = 0, pools = 0;
	if (!series)
		return -ENOMEM;
	int result = 0;
	for (size_t i = 0; i < count && judged < FINDING_MAX_JUDGED && !result; i++) {
		struct group *group = groups[i];
		double spoken_for = 0;
		for (size_t m = 0; m < group->count; m++)
			if (is_taken[group->members[m].site])
				spoken_for += group->members[m].kept;
		if (spoken_for > 0)
			continue;
		if (!is_even(group)) {
			if (group->key.kind != FINDING_CALLEE || group->count > MAX_MEMBERS ||
			    !has_leaks(work, group) || pools++ >= MAX_POOLS ||
			    !shares_blocks(work, group, &series[0], &series[1]))
				continue;
		}
		qsort(group->members, group->count, sizeof(*group->members), compare_members);
		struct judgement judgement = judge_sum(work, group, &series[0], &series[1]);
		judged++;
		if (judgement.verdict != VERDICT_LEAK)
			continue;
		result = take_group(group, judgement, arena, list);
		for (size_t m = 0; m < group->count; m++)
			if (group->members[m].kept > 0)
				is_taken[group->members[m].site] = true;
	}
	free(series);
	return result;
}

static int add_single_sites(const struct work *work, const bool *is_taken, struct arena *arena,
			    struct finding_list *list)
{
	for (size_t i = 0; i < work->profile->site_count; i++) {
		const struct member *member = &work->sites[i];
		if (!work->judgements[i].is_flagged || is_taken[i])
			continue;
		uint32_t *site = arena_take(arena, 1, sizeof(*site));
		if (!site)
			return -ENOMEM;
		*site = (uint32_t)i;
		add_finding(list,
			    (struct finding){
				    .kind = FINDING_SITE,
				    .node = work->profile->sites[i].stack,
				    .judgement = work->judgements[i],
				    .sites = site,
				    .site_count = 1,
				    .share_kept =
					    member->births > 0 ? member->kept / member->births : 0,
			    });
	}
	return 0;
}

static int compare_findings(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	double a_rate = a->judgement.growth.bytes_per_hour;
	double b_rate = b->judgement.growth.bytes_per_hour;
	if (a_rate != b_rate)
		return a_rate < b_rate ? 1 : -1;
	return (a->node > b->node) - (a->node < b->node);
}

static void free_groups(struct work *work)
{
	struct group *group, *next;
	HASH_ITER(hh, work->groups, group, next)
	{
		HASH_DEL(work->groups, group);
		free(group->members);
		free(group);
	}
}

int finding_list_make(const struct profile *profile, const struct judgement *judgements,
		      size_t first, size_t last, struct arena *arena, struct finding_list *list)
{
	struct work work = {
		.profile = profile, .judgements = judgements, .first = first, .last = last};
	int result = -ENOMEM;
	*list = (struct finding_list){0};
	work.sites = calloc(profile->site_count + 1, sizeof(*work.sites));
	bool *is_taken = calloc(profile->site_count + 1, sizeof(*is_taken));
	struct group **groups = NULL;
	/* No more findings than sites: each site is spoken for once. */
	list->findings = arena_take(arena, profile->site_count, sizeof(*list->findings));
	if (!work.sites || !is_taken || !list->findings)
		goto out;
	count_blocks(&work);
	make_groups(&work);
	groups = malloc((HASH_COUNT(work.groups) + 1) * sizeof(struct group *));
	if (work.is_out_of_memory || !groups)
		goto out;
	size_t count = 0;
	for (struct group *group = work.groups; group; group = group->hh.next) {
		group->score = score_of(&work, group);
		if (group->count >= 2)
			groups[count++] = group;
	}
	if (count)
		qsort(groups, count, sizeof(struct group *), compare_groups);
	result = choose_groups(&work, groups, count, is_taken, arena, list);
	if (!result)
		result = add_single_sites(&work, is_taken, arena, list);
	if (list->count)
		qsort(list->findings, list->count, sizeof(*list->findings), compare_findings);
out:
	free(groups);
	free_groups(&work);
	free(is_taken);
	free(work.sites);
	return result;
}
