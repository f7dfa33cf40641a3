/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: does a site grow because other sites of the same pool shrink?
 *
 * For each leak, what its site has live is set beside what its pool has, over the second half of the
 * run: a pool that still fills has done so before. If the pool stays level while the site moves, the
 * others lose step by step what it gains, which other traffic would not do by chance.
 *
 * A pool may go up and down by much more than the site moves. In a function through which everybody
 * allocates, others lose by chance what a leak gains. But some hand out again what was freed: such a pool
 * calls malloc when it has none left, and only then, so nearly every block that is allocated makes it
 * larger. (Where callers free at their own pace, some are freed while others are allocated.) There the block
 * of one site is soon used by another, and what a site keeps says nothing; the sum does. When its sum is
 * judged not to grow, and it has no more where it is lowest, then its sites have exchanged; where few
 * snapshots show few low points, only when its sites gain hardly more than they lose.
 *
 * Where a collector of garbage or an epoch's end sweeps a pool a few times in a run, all of its sites rise from
 * sweep to sweep, and some do beyond it, for the blocks they got are in other hands. There only its low points
 * count: what one site has gained between two of them and the pool has not, others have lost. Such a list
 * holds blocks of one size, and may be filled by several functions. So all sites with blocks of just that size
 * are taken for a pool, too, when many of them move; of few that may be chance.
 *
 * Where a pool goes up and down faster than snapshots are taken, that cannot be seen. Then its old blocks
 * are asked, which have come through many such waves, and only where several of its sites leak: that
 * the others lose what several leaks gain is hardly chance.
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
#include "tools/model/low_points.h"
#include "tools/model/profile.h"
#include "tools/model/trend.h"
#include "tools/model/verdict.h"

#define MOMENTS 32 /* of the second half of the run */
#define LEAST_MOMENTS 5
#define MANY_MOMENTS 22 /* fewer show too few low points to rely on that a pool does not climb */
/* Beside a site, that its pool is. With a half, leaks put into cc1 passed for exchange with unrelated
 * sites of the same allocating function. */
#define LEVEL 0.3
#define SURELY 1.645 /* one-sided 5 % */

/* Of the blocks that a pool allocates, so many make it larger than it was a moment ago. CPython's lists:
 * 0.95. Free lists in programs of ours: 0.5 to 0.94, where a wave takes several snapshots. What leaks put
 * into git, nginx, redis-server and sqlite3 have in common with others: less than 0.36. */
#define HANDED_OUT_AGAIN 0.5
/* And it falls again by so much of what it rises by: who keeps all has nothing to hand out. */
#define HANDED_BACK 0.2
#define NET 0.2	      /* of what the sites of a pool gain, it may gain itself */
#define WINDOWS 5     /* in each of which it has a lowest point: as few as can show a trend */
#define MOVED_SITES 3 /* so many gain or lose, or it is hardly a pool */
#define MANY_SITES 8  /* … when all that its sites have in common is the size of their blocks */
#define OLD_SHARE 0.0625 /* of the run: as old are old blocks */
#define OLD_LEAKS 3	 /* so many sites of a pool are several */

/* What a pool has of one kind of block at each moment, and what happens between those two of its earlier
 * and later moments at which it is lowest. */
struct level {
	double blocks[MOMENTS];
	struct low_points low;
	double gained, lost; /* by sites that have more, or less */
	size_t moved;	     /* sites that do */
	size_t leaks;	     /* leaks that gain */
};

struct pool {
	double block_bytes; /* of each block; 0: of any size */
	size_t frames;	    /* how many are in common; 0: any */
	uint64_t pcs[EXCHANGE_FRAMES];
	struct level all, old;
	double allocations[MOMENTS]; /* so far; not where it is all sites */
	bool hands_out_again;
	bool is_swept;
	bool may_go_on; /* where it does: the growth of its sum */
};

struct moments {
	size_t count;
	size_t snapshots[MOMENTS];    /* rising */
	uint32_t old_epochs[MOMENTS]; /* what was born up to then is old */
};

struct inquiry {
	const struct profile *profile;
	const struct judgement *judgements;
	struct moments moments;
	size_t first, last;
	struct pool *pools;
	size_t pool_count;
	const struct site **members; /* of the pool that is being made */
};

static bool is_asked(const struct judgement *judgement)
{
	return judgement->verdict == VERDICT_LEAK && !judgement->evidence.is_of_length;
}

static struct moments choose_moments(const struct profile *profile, size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	struct moments moments = {.count = 0};
	/* The last word may be that of a program that has tidied up. */
	if (last > first && snapshot_is_last_word(&snapshots[last]))
		last--;
	double start = snapshots[first].time_s, end = snapshots[last].time_s;
	double step = (end - start) / 2 / MOMENTS, next = start + (end - start) / 2;
	size_t old = first;
	for (size_t i = first; i <= last && moments.count < MOMENTS; i++) {
		if (snapshots[i].time_s < next)
			continue;
		double then = snapshots[i].time_s - OLD_SHARE * (end - start);
		while (old < i && snapshots[old + 1].time_s <= then)
			old++;
		moments.old_epochs[moments.count] = snapshots[old].epoch;
		moments.snapshots[moments.count++] = i;
		next += step;
	}
	return moments;
}

static double live_at(const struct site_point *point)
{
	return point ? (double)point->live_blocks : 0;
}

static double old_at(const struct site_point *point, uint32_t epoch)
{
	double blocks = 0;
	for (uint32_t i = 0; point && i < point->cohort_count; i++)
		if (point->cohorts[i].epoch <= epoch)
			blocks += (double)point->cohorts[i].blocks;
	return blocks;
}

/* Adds what the site has at each moment. */
static void add_blocks(const struct site *site, const struct moments *moments, double *all,
		       double *old)
{
	const struct site_point *point = NULL;
	uint32_t next = 0;
	for (size_t i = 0; i < moments->count; i++) {
		for (; next < site->point_count &&
		       site->points[next].snapshot <= moments->snapshots[i];
		     next++)
			point = &site->points[next];
		all[i] += live_at(point);
		old[i] += old_at(point, moments->old_epochs[i]);
	}
}

static size_t innermost(const struct profile *profile, uint32_t stack, size_t frames, uint64_t *pcs)
{
	size_t count = 0;
	for (uint32_t node = stack; node && count < frames; node = profile->nodes[node].parent)
		pcs[count++] = profile->nodes[node].pc;
	return count;
}

/* The size of each block that the site has allocated; 0 where they differ. */
static double block_bytes(const struct site *site)
{
	const struct site_point *last = &site->points[site->point_count - 1];
	return !last->allocations || last->allocated_bytes % last->allocations ||
			       last->live_bytes * last->allocations !=
				       last->live_blocks * last->allocated_bytes
		       ? 0
		       : (double)last->allocated_bytes / (double)last->allocations;
}

static bool is_member(const struct profile *profile, const struct site *site,
		      const struct pool *pool)
{
	uint64_t pcs[EXCHANGE_FRAMES];
	if (pool->block_bytes > 0)
		return block_bytes(site) == pool->block_bytes;
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

static void add_allocations(const struct site *site, const struct moments *moments,
			    double *allocations)
{
	for (size_t i = 0; i < moments->count; i++) {
		const struct site_point *point = site_at(site, moments->snapshots[i]);
		allocations[i] += point ? (double)point->allocations : 0;
	}
}

static void add_move(struct level *level, const double *blocks, bool is_leak)
{
	double gain = blocks[level->low.last] - blocks[level->low.first];
	level->gained += fmax(0, gain);
	level->lost += fmax(0, -gain);
	level->moved += gain != 0;
	level->leaks += gain > 0 && is_leak;
}

/* The sum of the first `count` members, judged like a site. Without memory it is said to grow, which
 * changes nothing. */
static bool may_sum_go_on(const struct inquiry *inquiry, size_t count)
{
	struct cohort_series *series = malloc(2 * sizeof(*series));
	if (!series)
		return true;
	series[0].count = 0;
	for (size_t i = 0; i < count; i++)
		cohort_series_add_site(&series[0], &series[1], inquiry->profile,
				       inquiry->members[i], inquiry->first, inquiry->last);
	struct judgement sum = verdict_judge_series(&series[0], NULL);
	free(series);
	return verdict_may_go_on(&sum);
}

static void add_up(const struct inquiry *inquiry, struct pool *pool)
{
	const struct profile *profile = inquiry->profile;
	const struct moments *moments = &inquiry->moments;
	size_t count = 0;
	bool is_of_all = !pool->frames && !(pool->block_bytes > 0);
	for (size_t i = 0; is_of_all && i < moments->count; i++)
		pool->all.blocks[i] =
			(double)profile->snapshots[moments->snapshots[i]].raw.live_blocks;
	for (size_t i = 0; !is_of_all && i < profile->site_count; i++)
		if (is_member(profile, &profile->sites[i], pool))
			inquiry->members[count++] = &profile->sites[i];
	for (size_t i = 0; i < count; i++)
		add_blocks(inquiry->members[i], moments, pool->all.blocks, pool->old.blocks);
	pool->all.low = low_points_find(pool->all.blocks, moments->count);
	pool->old.low = low_points_find(pool->old.blocks, moments->count);
	for (size_t i = 0; i < count; i++) {
		const struct site *site = inquiry->members[i];
		double all[MOMENTS] = {0}, old[MOMENTS] = {0};
		bool is_leak = is_asked(&inquiry->judgements[site - profile->sites]);
		add_blocks(site, moments, all, old);
		add_move(&pool->all, all, is_leak);
		add_move(&pool->old, old, is_leak);
		add_allocations(site, moments, pool->allocations);
	}
	pool->is_swept = low_points_are_of_sweeps(pool->all.blocks, moments->count);
	pool->hands_out_again =
		exchange_hands_out_again(pool->all.blocks, pool->allocations, moments->count);
	if (pool->hands_out_again && pool->all.moved >= MOVED_SITES)
		pool->may_go_on = may_sum_go_on(inquiry, count);
}

static const struct pool *find_pool(struct inquiry *inquiry, double bytes, size_t frames,
				    const uint64_t *pcs)
{
	for (size_t i = 0; i < inquiry->pool_count; i++) {
		const struct pool *pool = &inquiry->pools[i];
		if (pool->block_bytes == bytes && pool->frames == frames &&
		    !memcmp(pool->pcs, pcs, frames * sizeof(*pcs)))
			return pool;
	}
	struct pool *made = &inquiry->pools[inquiry->pool_count++];
	*made = (struct pool){.block_bytes = bytes, .frames = frames};
	memcpy(made->pcs, pcs, frames * sizeof(*pcs));
	add_up(inquiry, made);
	return made;
}

bool exchange_hands_out_again(const double *live, const double *allocations, size_t count)
{
	double rises = 0, falls = 0, all = count ? allocations[count - 1] - allocations[0] : 0;
	for (size_t i = 1; i < count; i++) {
		rises += fmax(0, live[i] - live[i - 1]);
		falls += fmax(0, live[i - 1] - live[i]);
	}
	return all > 0 && rises >= HANDED_OUT_AGAIN * all && falls >= HANDED_BACK * rises;
}

/* It is lowest at ever more. */
static bool climbs(const struct level *level, const struct moments *moments)
{
	double lows[WINDOWS];
	for (size_t i = 0; i < WINDOWS; i++)
		lows[i] = level->blocks[lowest(level->blocks, i * moments->count / WINDOWS,
					       (i + 1) * moments->count / WINDOWS)];
	return trend_mann_kendall(lows, WINDOWS).z >= SURELY;
}

/* Does the site gain between the low points, and is it not alone? */
static bool takes_part(const struct level *level, const double *blocks)
{
	return level->moved >= MOVED_SITES && blocks[level->low.last] > blocks[level->low.first];
}

static bool nets_little(const struct level *level)
{
	return fabs(level->gained - level->lost) <= NET * level->gained;
}

/* A pool that is swept now and then has as much as before at its low points, and the site has more. */
static bool has_level_lows(const struct pool *pool, const struct moments *moments,
			   const double *blocks)
{
	const struct level *level = &pool->all;
	return pool->is_swept && takes_part(level, blocks) && !climbs(level, moments) &&
	       level->blocks[level->low.last] - level->blocks[level->low.first] <=
		       LEVEL * (blocks[level->low.last] - blocks[level->low.first]);
}

static bool is_exchange(struct inquiry *inquiry, const struct site *site)
{
	const struct moments *moments = &inquiry->moments;
	double all[MOMENTS] = {0}, old[MOMENTS] = {0};
	uint64_t pcs[EXCHANGE_FRAMES];
	add_blocks(site, moments, all, old);
	size_t frames = innermost(inquiry->profile, site->stack, EXCHANGE_FRAMES, pcs);
	for (size_t common = 0; common <= frames; common++) {
		const struct pool *pool = find_pool(inquiry, 0, common, pcs);
		if (trend_mann_kendall(pool->all.blocks, moments->count).z < SURELY &&
		    live_shape_is_level_beside(pool->all.blocks, all, moments->count, LEVEL))
			return true;
		if (pool->hands_out_again && takes_part(&pool->all, all) && !pool->may_go_on &&
		    !climbs(&pool->all, moments) &&
		    (moments->count >= MANY_MOMENTS || nets_little(&pool->all)))
			return true;
		if (pool->old.leaks >= OLD_LEAKS && takes_part(&pool->old, old) &&
		    nets_little(&pool->old) && !climbs(&pool->old, moments))
			return true;
		if (pool->hands_out_again && moments->count >= MANY_MOMENTS &&
		    has_level_lows(pool, moments, all))
			return true;
	}
	double bytes = block_bytes(site);
	const struct pool *pool = bytes > 0 ? find_pool(inquiry, bytes, 0, pcs) : NULL;
	return pool && pool->all.moved >= MANY_SITES && has_level_lows(pool, moments, all);
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
	struct inquiry inquiry = {
		.profile = profile,
		.judgements = judgements,
		.first = first,
		.last = last,
		.moments = choose_moments(profile, first, end),
	};
	if (inquiry.moments.count < LEAST_MOMENTS)
		return true;
	inquiry.pools = malloc((EXCHANGE_FRAMES + 2) * EXCHANGE_SITES * sizeof(*inquiry.pools));
	inquiry.members = malloc((profile->site_count + 1) * sizeof(const struct site *));
	bool is_done = inquiry.pools && inquiry.members;
	size_t found[EXCHANGE_SITES], count = 0, asked = 0;
	for (size_t i = 0; is_done && i < profile->site_count && asked < EXCHANGE_SITES; i++) {
		if (!is_asked(&judgements[i]))
			continue;
		asked++;
		if (is_exchange(&inquiry, &profile->sites[i]))
			found[count++] = i;
	}
	/* Not before all are asked: a pool knows which of its sites leak. */
	for (size_t i = 0; i < count; i++) {
		struct judgement *judgement = &judgements[found[i]];
		verdict_withdraw(judgement, last - first + 1);
		judgement->verdict = VERDICT_PLATEAU;
		judgement->snapshots_needed = 0;
	}
	free(inquiry.pools);
	free(inquiry.members);
	return is_done;
}
