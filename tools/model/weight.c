/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weight: does a leak matter beside everything else that grows in its process?
 */
#include "tools/model/weight.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/false_discovery.h"
#include "tools/model/finding.h"
#include "tools/model/profile.h"
#include "tools/model/verdict.h"

#define MOST 0.5 /* of all that accumulates */
#define MAX_NEEDED 1000
#define SECONDS_PER_HOUR 3600.0

/* What the process has after its start-up. */
struct process_heap {
	double bytes; /* live, the mean */
	double end_s; /* of what was looked at */
};

static struct process_heap heap_of(const struct profile *profile, size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	struct process_heap heap = {.end_s = snapshots[last].time_s};
	double start = snapshots[first].time_s, span = heap.end_s - start, sum = 0;
	/* The last word may be that of a program that has tidied up. */
	if (last > first && snapshot_is_last_word(&snapshots[last]))
		last--;
	while (first < last &&
	       snapshots[first].time_s < start + verdict_limits.startup_share * span)
		first++;
	for (size_t i = first; i <= last; i++)
		sum += (double)snapshots[i].raw.live_bytes;
	heap.bytes = sum / (double)(last - first + 1);
	return heap;
}

static double rate_of(const struct judgement *judgement)
{
	return fmax(0, judgement->growth.bytes_per_hour);
}

/* What the leak has added up to. */
static double gain_of(const struct judgement *judgement, const struct process_heap *heap)
{
	double since = judgement->growth.since_s;
	return rate_of(judgement) / SECONDS_PER_HOUR * fmax(0, heap->end_s - since);
}

static int compare_rates(const void *left, const void *right)
{
	const struct judgement *a = *(struct judgement *const *)left;
	const struct judgement *b = *(struct judgement *const *)right;
	double a_rate = rate_of(a), b_rate = rate_of(b);
	return (a_rate < b_rate) - (a_rate > b_rate); /* the faster one first */
}

/* How many more snapshots like those until now until the leak would be flagged. */
static unsigned snapshots_needed(double gain, double least, size_t count)
{
	double needed = gain > 0 ? (least / gain - 1) * (double)count : MAX_NEEDED;
	return (unsigned)fmax(1, fmin(MAX_NEEDED, ceil(needed)));
}

/* All that accumulates, or may: a filling cache, which does so ever less, does not count. */
static double sum_rates(const struct judgement *judgements, size_t count, size_t *crowd)
{
	double sum = 0;
	*crowd = 0;
	for (size_t i = 0; i < count; i++) {
		if (!verdict_may_go_on(&judgements[i]))
			continue;
		sum += rate_of(&judgements[i]);
		++*crowd;
	}
	return sum;
}

/* The sites of groups that are most of the growth are not weighed one by one. */
static void spare_large_groups(double all, const struct finding_list *findings, bool *is_spared)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->findings[i];
		if (finding->kind == FINDING_SITE || finding->site_count > WEIGHT_GROUP_SITES ||
		    rate_of(&finding->judgement) < MOST * all)
			continue;
		for (size_t s = 0; s < finding->site_count; s++)
			is_spared[finding->sites[s]] = true;
	}
}

/* What a program keeps of each piece of its work by design, it keeps whole. Who frees most of what a site
 * allocates and forgets some of it means to free all: that is no member of a crowd. */
static bool is_forgotten(const struct judgement *leak)
{
	const struct verdict_evidence *evidence = &leak->evidence;
	return !evidence->is_of_length && evidence->freed > WEIGHT_FORGOTTEN * evidence->births;
}

/* Unless it is a crowd that forgets: then they are all alike again. */
static void spare_forgotten(struct judgement **leaks, size_t count,
			    const struct judgement *judgements, bool *is_spared)
{
	size_t forgotten = 0;
	for (size_t i = 0; i < count; i++)
		forgotten += is_forgotten(leaks[i]);
	for (size_t i = 0; forgotten <= WEIGHT_CROWD && i < count; i++)
		if (is_forgotten(leaks[i]))
			is_spared[leaks[i] - judgements] = true;
}

/* `leaks` come with the fastest first: once one does not stand out, no slower one does. */
static void weigh(double all, const struct process_heap *heap, struct judgement **leaks,
		  size_t count, const struct judgement *judgements, const bool *is_spared,
		  size_t snapshot_count)
{
	double rest = all, least = WEIGHT_OF_HEAP * heap->bytes;
	for (size_t i = 0; i < count; i++) {
		struct judgement *leak = leaks[i];
		double gain = gain_of(leak, heap);
		if (is_spared[leak - judgements] || gain >= least ||
		    rate_of(leak) >= WEIGHT_OF_GROWTH * rest) {
			rest -= rate_of(leak);
			continue;
		}
		verdict_withdraw(leak, snapshot_count);
		leak->is_minor = true;
		leak->snapshots_needed = snapshots_needed(gain, least, snapshot_count);
	}
}

/* A group was looked for among hundreds. It may leak though no site of it is flagged, when it is most
 * of what accumulates and by far too regular for chance (Bonferroni). */
static bool stands_by_itself(const struct finding *finding, double all, size_t crowd)
{
	return crowd <= WEIGHT_CROWD && finding->site_count <= WEIGHT_GROUP_SITES &&
	       rate_of(&finding->judgement) >= MOST * all &&
	       finding->judgement.evidence.drift_p * FINDING_MAX_JUDGED <= FALSE_DISCOVERY_RATE;
}

static void withdraw_findings(const struct judgement *judgements, struct finding_list *findings,
			      double all, size_t crowd, size_t snapshot_count)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct finding *finding = &findings->findings[i];
		size_t flagged = 0;
		for (size_t s = 0; s < finding->site_count; s++)
			flagged += judgements[finding->sites[s]].is_flagged;
		if (flagged)
			continue;
		if (finding->kind == FINDING_SITE)
			finding->judgement = judgements[finding->sites[0]];
		else if (!stands_by_itself(finding, all, crowd))
			verdict_withdraw(&finding->judgement, snapshot_count);
	}
}

bool weight_set_minor(const struct profile *profile, size_t first, size_t last,
		      struct judgement *judgements, struct finding_list *findings)
{
	struct judgement **leaks = malloc((profile->site_count + 1) * sizeof(struct judgement *));
	bool *is_spared = calloc(profile->site_count + 1, sizeof(*is_spared));
	bool is_done = leaks && is_spared;
	if (is_done) {
		struct process_heap heap = heap_of(profile, first, last);
		size_t count = 0, crowd, snapshot_count = last - first + 1;
		double all = sum_rates(judgements, profile->site_count, &crowd);
		for (size_t i = 0; i < profile->site_count; i++)
			if (judgements[i].verdict == VERDICT_LEAK)
				leaks[count++] = &judgements[i];
		if (count)
			qsort(leaks, count, sizeof(struct judgement *), compare_rates);
		spare_large_groups(all, findings, is_spared);
		spare_forgotten(leaks, count, judgements, is_spared);
		if (crowd > WEIGHT_CROWD)
			weigh(all, &heap, leaks, count, judgements, is_spared, snapshot_count);
		withdraw_findings(judgements, findings, all, crowd, snapshot_count);
	}
	free(leaks);
	free(is_spared);
	return is_done;
}
