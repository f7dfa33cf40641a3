/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: does a site grow because other sites of the same pool shrink?
 *
 * For each leak, what its site has live is set beside what its pool has, over the second half of the
 * run: a pool that still fills has done so before. If the pool stays level while the site moves, the
 * others lose step by step what it gains, which other traffic would not do by chance.
 *
 * Pools of different leaks are mostly the same ones; each is added up once.
 */
#include "tools/model/exchange.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/live_shape.h"
#include "tools/model/profile.h"
#include "tools/model/trend.h"
#include "tools/model/verdict.h"

#define MOMENTS 32 /* of the second half of the run */
#define LEAST_MOMENTS 5
/* Beside a site, that its pool is. With a half, leaks put into cc1 passed for exchange with unrelated
 * sites of the same allocating function. */
#define LEVEL 0.3
#define SURELY 1.645 /* one-sided 5 % */

struct pool {
	size_t frames; /* how many are in common; 0: all sites */
	uint64_t pcs[EXCHANGE_FRAMES];
	double blocks[MOMENTS];
};

struct moments {
	size_t count;
	size_t snapshots[MOMENTS]; /* rising */
};

static struct moments choose_moments(const struct profile *profile, size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	struct moments moments = {.count = 0};
	/* The last word may be that of a program that has tidied up. */
	if (last > first && (snapshots[last].reason == SEEP_REASON_FINAL ||
			     snapshots[last].reason == SEEP_REASON_EXEC))
		last--;
	double start = snapshots[first].time_s, end = snapshots[last].time_s;
	double step = (end - start) / 2 / MOMENTS, next = start + (end - start) / 2;
	for (size_t i = first; i <= last && moments.count < MOMENTS; i++)
		if (snapshots[i].time_s >= next) {
			moments.snapshots[moments.count++] = i;
			next += step;
		}
	return moments;
}

/* Adds what the site has live at each moment. */
static void add_blocks(const struct site *site, const struct moments *moments, double *blocks)
{
	double live = 0;
	uint32_t next = 0;
	for (size_t i = 0; i < moments->count; i++) {
		for (; next < site->point_count &&
		       site->points[next].snapshot <= moments->snapshots[i];
		     next++)
			live = (double)site->points[next].live_blocks;
		blocks[i] += live;
	}
}

static size_t innermost(const struct profile *profile, uint32_t stack, size_t frames, uint64_t *pcs)
{
	size_t count = 0;
	for (uint32_t node = stack; node && count < frames; node = profile->nodes[node].parent)
		pcs[count++] = profile->nodes[node].pc;
	return count;
}

static void add_up(const struct profile *profile, const struct moments *moments, struct pool *pool)
{
	memset(pool->blocks, 0, sizeof(pool->blocks));
	for (size_t i = 0; !pool->frames && i < moments->count; i++)
		pool->blocks[i] = (double)profile->snapshots[moments->snapshots[i]].raw.live_blocks;
	for (size_t i = 0; pool->frames && i < profile->site_count; i++) {
		uint64_t pcs[EXCHANGE_FRAMES];
		const struct site *site = &profile->sites[i];
		if (innermost(profile, site->stack, pool->frames, pcs) == pool->frames &&
		    !memcmp(pcs, pool->pcs, pool->frames * sizeof(*pcs)))
			add_blocks(site, moments, pool->blocks);
	}
}

static const struct pool *find_pool(const struct profile *profile, const struct moments *moments,
				    struct pool *pools, size_t *count, size_t frames,
				    const uint64_t *pcs)
{
	for (size_t i = 0; i < *count; i++)
		if (pools[i].frames == frames && !memcmp(pools[i].pcs, pcs, frames * sizeof(*pcs)))
			return &pools[i];
	struct pool *made = &pools[(*count)++];
	made->frames = frames;
	memcpy(made->pcs, pcs, frames * sizeof(*pcs));
	add_up(profile, moments, made);
	return made;
}

static bool is_exchange(const struct profile *profile, const struct moments *moments,
			const struct site *site, struct pool *pools, size_t *count)
{
	double blocks[MOMENTS] = {0};
	uint64_t pcs[EXCHANGE_FRAMES];
	add_blocks(site, moments, blocks);
	size_t frames = innermost(profile, site->stack, EXCHANGE_FRAMES, pcs);
	for (size_t common = 0; common <= frames; common++) {
		const struct pool *pool = find_pool(profile, moments, pools, count, common, pcs);
		if (trend_mann_kendall(pool->blocks, moments->count).z < SURELY &&
		    live_shape_is_level_beside(pool->blocks, blocks, moments->count, LEVEL))
			return true;
	}
	return false;
}

bool exchange_withdraw(const struct profile *profile, size_t first, size_t last,
		       struct judgement *judgements)
{
	struct moments moments = choose_moments(profile, first, last);
	if (moments.count < LEAST_MOMENTS)
		return true;
	struct pool *pools = malloc((EXCHANGE_FRAMES + 1) * EXCHANGE_SITES * sizeof(*pools));
	size_t count = 0, asked = 0;
	if (!pools)
		return false;
	for (size_t i = 0; i < profile->site_count && asked < EXCHANGE_SITES; i++) {
		struct judgement *judgement = &judgements[i];
		if (judgement->verdict != VERDICT_LEAK || judgement->evidence.is_of_length)
			continue;
		asked++;
		if (!is_exchange(profile, &moments, &profile->sites[i], pools, &count))
			continue;
		verdict_withdraw(judgement, last - first + 1);
		judgement->verdict = VERDICT_PLATEAU;
		judgement->snapshots_needed = 0;
	}
	free(pools);
	return true;
}
