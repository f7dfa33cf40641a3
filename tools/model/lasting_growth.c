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
 * of `came` and `died` would stray by the root of their sum. Two of these are taken off, so three
 * old buffers of a busy site do not stand above a hundred small blocks that nobody frees.
 */
#include "tools/model/lasting_growth.h"

#include <math.h>
#include <stddef.h>

#include "tools/model/cohort_series.h"

#define KEPT 0.6     /* as in the verdict, see struct verdict_limits */
#define NEARLY 0.999 /* snapshots come a little late or early */
#define STRAY 2.0    /* about 95 % */

/* What happened at one age. */
struct passage {
	double came, died; /* blocks */
	double bytes;	   /* growth; may be negative */
};

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
		if (series->is_cut[walk->next])
			walk->period = walk->next;
}

static struct passage passage_at(const struct cohort_series *series, double age_s,
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
		passage.came = series->blocks[walk.step][walk.period];
		base = 0;
	}
	while (walk.step < last) {
		size_t before = walk.period;
		go_to(&walk, walk.step + 1);
		double left = series->blocks[walk.step][before];
		passage.died += fmax(0, series->blocks[walk.step - 1][before] - left);
		passage.came += fmax(0, series->blocks[walk.step][walk.period] - left);
	}
	passage.bytes = series->bytes[last][walk.period] - base;
	return passage;
}

/* Births have no age to reach. Those of the first period are known by what is left of them. */
static struct passage passage_of_all(const struct cohort_series *series, bool is_from_nothing)
{
	const size_t last = series->count - 1;
	double births = series->births[last] - (is_from_nothing ? 0 : series->births[0]);
	double grown = series->live_blocks[last] - (is_from_nothing ? 0 : series->live_blocks[0]);
	return (struct passage){
		.came = fmax(births, grown),
		.died = fmax(0, births - grown),
		.bytes = series->live_bytes[last] - (is_from_nothing ? 0 : series->live_bytes[0]),
	};
}

/* Takes what is believed of the passage when it is more than what is known; false when blocks of
 * this age are not kept. */
static bool take_passage(const struct passage *passage, double unit, double age_s,
			 struct lasting_growth *growth)
{
	double blocks = passage->came - passage->died;
	if (blocks < KEPT * passage->came)
		return false;
	if (blocks <= 0 || passage->bytes <= 0)
		return true; /* nothing came, nothing died: younger ones may tell */
	double stray = STRAY * sqrt((passage->came + passage->died) / unit) * unit;
	if (age_s <= 0 && passage->died < unit)
		stray = 0; /* no block of this site has ever died */
	double believed = fmax(0, blocks - stray);
	double bytes = passage->bytes * believed / blocks;
	if (bytes > growth->bytes)
		*growth =
			(struct lasting_growth){.bytes = bytes, .blocks = believed, .age_s = age_s};
	return true;
}

struct lasting_growth lasting_growth_make(const struct cohort_series *series, bool is_from_nothing)
{
	struct lasting_growth growth = {.age_s = NAN};
	if (!series->count)
		return growth;
	const size_t last = series->count - 1;
	const double *time_s = series->time_s;
	double half = (time_s[last] - (is_from_nothing ? 0 : time_s[0])) / 2;
	size_t steps = 0;

	while (steps < last && time_s[last] - time_s[last - steps - 1] <= half / NEARLY)
		steps++;
	for (; steps > 0; steps--) {
		double age_s = (time_s[last] - time_s[last - steps]) * NEARLY;
		struct passage passage = passage_at(series, age_s, is_from_nothing);
		if (!take_passage(&passage, series->unit, age_s, &growth))
			return growth;
	}
	struct passage all = passage_of_all(series, is_from_nothing);
	take_passage(&all, series->unit, 0, &growth);
	return growth;
}
