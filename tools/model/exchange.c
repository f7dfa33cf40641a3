/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: does a site grow because other sites of the same pool shrink?
 *
 * For each leak, what its site has live is set beside what its pool has, over the second half of the
 * run: a pool that still fills has done so before. If the pool stays level while the site moves, the
 * others lose step by step what it gains, which other traffic would not do by chance.
 *
 * A pool that goes up and down by much more than the site moves is looked at where it is lowest, once
 * before and once after three quarters of the run: there it holds what it never gives back. If that is
 * as much as before, and the site has more of it, then others have less. In a function through which
 * everybody allocates this would sooner or later happen by chance, so it counts only where blocks are
 * handed out again: such a pool calls malloc when it has none left, and only then, so nearly every
 * block that is allocated makes it larger. Where callers free at their own pace, some are freed while
 * others are allocated.
 *
 * Pools of different leaks are mostly the same ones; each is added up once.
 */
#include "tools/model/exchange.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/cohort_series.h"
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

/* Of the blocks that a pool allocates, so many make it larger than it was a moment ago. CPython's lists:
 * 0.95. Free lists in programs of ours: 0.5 to 0.94, where a wave takes several snapshots. What leaks put
 * into git, nginx, redis-server and sqlite3 have in common with others: less than 0.36. */
#define HANDED_OUT_AGAIN 0.5
#define NET 0.2	      /* of what the sites of a pool gain, it may gain itself */
#define WINDOWS 5     /* in each of which it has a lowest point: as few as can show a trend */
#define MOVED_SITES 3 /* so many gain or lose, or it is hardly a pool */

struct pool {
	size_t frames; /* how many are in common; 0: all sites */
	uint64_t pcs[EXCHANGE_FRAMES];
	double blocks[MOMENTS];
	double allocations; /* from the first to the last moment */
	/* Between the moments at which it is lowest. */
	size_t low[2];
	double gained, lost; /* by sites that have more, or less */
	size_t moved;	     /* sites that do */
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

static bool is_member(const struct profile *profile, const struct site *site,
		      const struct pool *pool)
{
	uint64_t pcs[EXCHANGE_FRAMES];
	return innermost(profile, site->stack, pool->frames, pcs) == pool->frames &&
	       !memcmp(pcs, pool->pcs, pool->frames * sizeof(*pcs));
}

static size_t lowest(const double *blocks, size_t from, size_t to)
{
	size_t low = from;
	for (size_t i = from; i < to; i++)
		if (blocks[i] < blocks[low])
			low = i;
	return low;
}

static double allocated_between(const struct site *site, const struct moments *moments)
{
	const struct site_point *before = site_at(site, moments->snapshots[0]);
	const struct site_point *after = site_at(site, moments->snapshots[moments->count - 1]);
	return (after ? (double)after->allocations : 0) -
	       (before ? (double)before->allocations : 0);
}

/* What its sites gain and lose between its low points. */
static void add_moves(const struct profile *profile, const struct moments *moments,
		      struct pool *pool)
{
	pool->low[0] = lowest(pool->blocks, 0, moments->count / 2);
	pool->low[1] = lowest(pool->blocks, moments->count / 2, moments->count);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		if (!is_member(profile, site, pool))
			continue;
		const struct site_point *then = site_at(site, moments->snapshots[pool->low[0]]);
		const struct site_point *now = site_at(site, moments->snapshots[pool->low[1]]);
		double gain = (now ? (double)now->live_blocks : 0) -
			      (then ? (double)then->live_blocks : 0);
		pool->gained += fmax(0, gain);
		pool->lost += fmax(0, -gain);
		pool->moved += gain != 0;
		pool->allocations += allocated_between(site, moments);
	}
}

static void add_up(const struct profile *profile, const struct moments *moments, struct pool *pool)
{
	for (size_t i = 0; !pool->frames && i < moments->count; i++)
		pool->blocks[i] = (double)profile->snapshots[moments->snapshots[i]].raw.live_blocks;
	for (size_t i = 0; pool->frames && i < profile->site_count; i++)
		if (is_member(profile, &profile->sites[i], pool))
			add_blocks(&profile->sites[i], moments, pool->blocks);
	if (pool->frames)
		add_moves(profile, moments, pool);
}

static const struct pool *find_pool(const struct profile *profile, const struct moments *moments,
				    struct pool *pools, size_t *count, size_t frames,
				    const uint64_t *pcs)
{
	for (size_t i = 0; i < *count; i++)
		if (pools[i].frames == frames && !memcmp(pools[i].pcs, pcs, frames * sizeof(*pcs)))
			return &pools[i];
	struct pool *made = &pools[(*count)++];
	*made = (struct pool){.frames = frames};
	memcpy(made->pcs, pcs, frames * sizeof(*pcs));
	add_up(profile, moments, made);
	return made;
}

/* Blocks that are handed out again are allocated only where none is left. */
static bool hands_out_again(const struct pool *pool, const struct moments *moments)
{
	double rises = 0;
	for (size_t i = 1; i < moments->count; i++)
		rises += fmax(0, pool->blocks[i] - pool->blocks[i - 1]);
	return pool->allocations > 0 && rises >= HANDED_OUT_AGAIN * pool->allocations;
}

/* It is lowest at ever more. */
static bool climbs(const struct pool *pool, const struct moments *moments)
{
	double lows[WINDOWS];
	for (size_t i = 0; i < WINDOWS; i++)
		lows[i] = pool->blocks[lowest(pool->blocks, i * moments->count / WINDOWS,
					      (i + 1) * moments->count / WINDOWS)];
	return trend_mann_kendall(lows, WINDOWS).z >= SURELY;
}

static bool is_level_at_its_lowest(const struct pool *pool, const struct moments *moments,
				   const double *blocks)
{
	double gain = blocks[pool->low[1]] - blocks[pool->low[0]];
	return pool->moved >= MOVED_SITES && gain > 0 &&
	       fabs(pool->gained - pool->lost) <= NET * pool->gained && !climbs(pool, moments);
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
		if (hands_out_again(pool, moments) && is_level_at_its_lowest(pool, moments, blocks))
			return true;
	}
	return false;
}

static bool is_asked(const struct judgement *judgement)
{
	return judgement->verdict == VERDICT_LEAK && !judgement->evidence.is_of_length;
}

/* Before the program tidied up, as far as any of the leaks tells. */
static size_t end_of_work(const struct profile *profile, size_t first, size_t last,
			  const struct judgement *judgements)
{
	size_t end = last;
	for (size_t i = 0; i < profile->site_count; i++) {
		if (!is_asked(&judgements[i]))
			continue;
		size_t own = cohort_series_end_of_work(profile, &profile->sites[i], first, last);
		end = own < end ? own : end;
	}
	return end;
}

bool exchange_withdraw(const struct profile *profile, size_t first, size_t last,
		       struct judgement *judgements)
{
	size_t end = end_of_work(profile, first, last, judgements);
	struct moments moments = choose_moments(profile, first, end);
	if (moments.count < LEAST_MOMENTS)
		return true;
	struct pool *pools = malloc((EXCHANGE_FRAMES + 1) * EXCHANGE_SITES * sizeof(*pools));
	size_t count = 0, asked = 0;
	if (!pools)
		return false;
	for (size_t i = 0; i < profile->site_count && asked < EXCHANGE_SITES; i++) {
		struct judgement *judgement = &judgements[i];
		if (!is_asked(judgement))
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
