/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lasting_growth: how much of a site's growth will stay, and is no traffic.
 *
 * At each age up to half of the time the blocks of that age are followed: how many reached it, how
 * many of that age died meanwhile. The difference is their growth. Where it is most of what came,
 * at this age and at all greater ones, blocks are kept and the growth is believed. Sessions, caches
 * that are full and queues fail that at every age: as many die as come.
 *
 * It is believed less what chance may have added: were births and deaths as likely, the difference
 * of `came` and `died` would stray by the root of their sum. Three of these are taken off, so three
 * old buffers of a busy site do not stand above a hundred small blocks that nobody frees.
 */
#include "tools/model/lasting_growth.h"

#include <math.h>
#include <stddef.h>

#include "tools/model/cohort_series.h"
#include "tools/model/verdict.h"

#define STRAY 3.0 /* 99.7 % */

/* What happened at one age. */
struct passage {
	double came, died;	   /* blocks, since the older state */
	double all_came, all_died; /* and before it, too */
	double bytes;		   /* growth; may be negative */
	/* Of those who came so long ago that they have reached twice the age: what part is left,
	 * summed over so many cohorts. */
	double shares, cohorts;
};

/* At `step` and at the next one. */
static bool is_exact_from(const struct cohort_series *series, size_t step, size_t period)
{
	return cohort_series_is_exact(series, step, period) &&
	       (step + 1 == series->count || cohort_series_is_exact(series, step + 1, period));
}

/* Walks through the steps and knows the newest period whose births had reached the age by then and
 * lie in cohorts of their own. */
struct age_walk {
	const struct cohort_series *series;
	double age_s;
	size_t step, next; /* the periods below `next` have been looked at */
	size_t period;	   /* the one; `count` of the series where there is none yet */
};

static void go_to(struct age_walk *walk, size_t step)
{
	const struct cohort_series *series = walk->series;
	walk->step = step;
	for (;
	     walk->next <= step && series->time_s[step] - series->time_s[walk->next] >= walk->age_s;
	     walk->next++)
		if (is_exact_from(series, step, walk->next))
			walk->period = walk->next;
}

static struct passage passage_at(const struct cohort_series *series, size_t from, double age_s,
				 bool is_from_nothing)
{
	const size_t last = series->count - 1;
	struct age_walk walk = {.series = series, .age_s = age_s, .period = series->count};
	struct passage passage = {0};

	go_to(&walk, 0);
	while (walk.period == series->count && walk.step < last)
		go_to(&walk, walk.step + 1);
	if (walk.period == series->count)
		return passage;
	double base = series->bytes[walk.step][walk.period];
	if (is_from_nothing) {
		passage.came = passage.all_came = series->blocks[walk.step][walk.period];
		base = 0;
	}
	size_t cut = walk.period; /* of the last step, before those that came since */
	double came = 0;
	while (walk.step < last) {
		size_t before = walk.period;
		go_to(&walk, walk.step + 1);
		double left = series->blocks[walk.step][before];
		double here = fmax(0, series->blocks[walk.step][walk.period] - left);
		double gone = fmax(0, series->blocks[walk.step - 1][before] - left);
		passage.all_died += gone;
		passage.all_came += here;
		/* What was there in the older state comes to the age, too, but has not grown. */
		if (before >= from) {
			passage.died += gone;
			passage.came += here;
		} else {
			base = series->bytes[walk.step][walk.period];
		}
		came += here;
		if (!series->is_cut[walk.period])
			continue;
		if (!series->is_cut[cut]) {
			/* They came together with others from before. */
			cut = walk.period;
			came = 0;
		} else if (came > 0 && series->time_s[last] - series->time_s[walk.step] >= age_s) {
			double kept = series->blocks[last][walk.period] - series->blocks[last][cut];
			passage.shares += fmin(1, kept / came);
			passage.cohorts++;
		}
		if (cut != walk.period) {
			cut = walk.period;
			came = 0;
		}
	}
	passage.bytes = series->bytes[last][walk.period] - base;
	return passage;
}

/* Births have no age to reach. Those of the first period are known by what is left of them. */
static struct passage passage_of_all(const struct cohort_series *series, size_t from,
				     bool is_from_nothing)
{
	const size_t last = series->count - 1;
	double births = series->births[last] - (is_from_nothing ? 0 : series->births[from]);
	double grown =
		series->live_blocks[last] - (is_from_nothing ? 0 : series->live_blocks[from]);
	double came = fmax(births, grown), died = fmax(0, births - grown);
	return (struct passage){
		.came = came,
		.died = died,
		.all_came = fmax(came, series->births[last]),
		.all_died = fmax(died, series->births[last] - series->live_blocks[last]),
		.bytes =
			series->live_bytes[last] - (is_from_nothing ? 0 : series->live_bytes[from]),
	};
}

/* Takes what is believed of the passage when it is more than what is known; false when blocks of
 * this age are not kept. */
static bool take_passage(const struct passage *passage, double unit, double age_s,
			 struct lasting_growth *growth)
{
	double blocks = passage->came - passage->died;
	if (blocks < verdict_limits.kept * passage->came ||
	    passage->all_came - passage->all_died < verdict_limits.kept * passage->all_came ||
	    (passage->shares + 0.5) / (passage->cohorts + 1) < verdict_limits.kept_of_any)
		return false;
	if (blocks <= 0 || passage->bytes <= 0)
		return true; /* nothing came, nothing died: younger ones may tell */
	double stray = STRAY * sqrt((passage->came + passage->died) / unit) * unit;
	if (age_s <= 0 && passage->all_died < unit)
		stray = 0; /* no block of this site has ever died */
	double believed = fmax(0, blocks - stray);
	double bytes = passage->bytes * believed / blocks;
	if (bytes > growth->bytes)
		*growth =
			(struct lasting_growth){.bytes = bytes, .blocks = believed, .age_s = age_s};
	return true;
}

struct lasting_growth lasting_growth_make(const struct cohort_series *series, size_t from,
					  bool is_from_nothing)
{
	struct lasting_growth growth = {.age_s = NAN};
	if (from >= series->count)
		return growth;
	const size_t last = series->count - 1;
	const double *time_s = series->time_s;
	double half = (time_s[last] - (is_from_nothing ? 0 : time_s[from])) / 2;
	size_t steps = 0;

	/* The least of all ages is asked about in any case. */
	while (steps < last - from &&
	       (steps == 0 || time_s[last] - time_s[last - steps - 1] <= half))
		steps++;
	for (; steps > 0; steps--) {
		/* Between two steps, so that no age is missed where snapshots come a little late. */
		double age_s = time_s[last] - (time_s[last - steps] + time_s[last - steps + 1]) / 2;
		struct passage passage = passage_at(series, from, age_s, is_from_nothing);
		if (!take_passage(&passage, series->unit, age_s, &growth))
			return growth;
	}
	struct passage all = passage_of_all(series, from, is_from_nothing);
	take_passage(&all, series->unit, 0, &growth);
	return growth;
}
