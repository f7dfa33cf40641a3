/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rise: the questions, in the order in which they are asked.
 *
 * For each age, from young to old, of the blocks that were born after start-up:
 *
 *   1. Are those that have reached the age kept? By cohort, by number, among the oldest births, and
 *      over the last part of the run.                    no: sessions, caches, traffic; an older age
 *   2. Do all blocks of that age add up, and all that live with them?
 *                                        no: as many die of those born before, or of those born since
 *   3. Are as many added as in the beginning, per time or per work done, up to the end, and does the site
 *      still allocate at all? (If they seem to be fewer: was it already slowing down during start-up?)
 *                                                        no: a warm-up or a cache that fills
 *   4. Is enough seen for that: periods, and an even pace?               no: growing
 *   All yes: a leak.
 *
 * An age is a time. Where no time divides those that are kept from those that are not, it is a number of
 * allocations of the site: a cache or a history that is full drops its oldest when so many newer ones have
 * come, sooner under load, and what it forgets to drop is seen only behind that. There hardly any others
 * may be among them, else every site would have two chances.
 *
 * The same questions, but for deaths, are asked of the length of buffers whose number stays: realloc
 * makes new blocks of them, so they never reach an age.
 *
 * Not the trend of live bytes: it takes traffic for growth and start-up for a leak. Machida et al.
 * ("On the Effectiveness of Mann-Kendall Test for Detection of Software Aging", ISSREW 2013) found
 * it "highly vulnerable to false positives".
 */
#include "tools/model/rise.h"

#include <math.h>

#include "tools/model/additions.h"
#include "tools/model/live_changes.h"
#include "tools/model/live_shape.h"
#include "tools/model/trend.h"

#define MOST_FURTHER 3 /* ages after the first at which it leaks: others hardly differ from them */

/* Up to 43 % of 40 steps: of an older age nobody sees whether what has reached it reaches twice of it. Close
 * to each other there, for what is full late leaves little room between its age and the end. */
const size_t rise_ages[RISE_AGE_COUNT] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 14, 15, 16, 17, 18};

struct inquiry rise_inquire(const struct cohort_series *series, const struct verdict_limits *limits)
{
	struct inquiry inquiry = {.series = series, .limits = limits};
	inquiry.survey = survey_make(series, limits->startup_share, limits->recent_share);
	inquiry.births = survey_births(&inquiry.survey);
	return inquiry;
}

double rise_certainty(const double *values, size_t count)
{
	return fmin(trend_mann_kendall(values, count).z, trend_drift(values, count));
}

/* Clearly slower than in the beginning: the decline is more than allowed, and that is no chance. */
bool rise_is_slower(const struct verdict_limits *limits, struct pace pace)
{
	double error = fmin(pace.error, limits->decline_error);
	return pace.decline > limits->decline + TREND_SURELY * error;
}

/* What came in each period from the first one on. */
static size_t find_all_amounts(const struct inquiry *inquiry, const struct rise *rise,
			       double *amounts)
{
	const struct cohort_series *series = inquiry->series;
	if (rise->kind == RISE_OF_SURVIVORS) {
		size_t count = survivors_all_arrivals(&rise->survivors, series, amounts);
		for (size_t i = 0; i < count; i++)
			amounts[i] /= series->unit;
		return count;
	}
	for (size_t i = 1; i < series->count; i++)
		amounts[i - 1] = fmax(0, series->live_bytes[i] - series->live_bytes[i - 1]);
	return series->count - 1;
}

/* Seen from the beginning, start-up included: slower, and still slowing? A site that only had much to do
 * in its first moments is not slowing down any more. */
static bool goes_on_slowing(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	double arrivals[SERIES_MAX_STEPS];
	if (rise->pace.decline <= inquiry->limits->decline)
		return false;
	size_t count = find_all_amounts(inquiry, rise, arrivals);
	return rise_is_slower(inquiry->limits, additions_fit(additions_clock(series, rise->clock),
							     1, arrivals, count));
}

static bool is_enough(const struct inquiry *inquiry, const struct rise *rise)
{
	return inquiry->series->count >= VERDICT_MIN_SNAPSHOTS &&
	       (double)rise->positive >= inquiry->limits->periods &&
	       rise->pace.error <= inquiry->limits->decline_error &&
	       rise->pace.decline <= inquiry->limits->slowest;
}

/* The last two questions, once the pace is known. */
static void judge_pace(const struct inquiry *inquiry, struct rise *rise)
{
	rise->doubt = DOUBT_SLOWS;
	if (rise_is_slower(inquiry->limits, rise->pace) || goes_on_slowing(inquiry, rise))
		return;
	rise->doubt = DOUBT_VAGUE;
	if (is_enough(inquiry, rise))
		rise->doubt = DOUBT_NONE;
}

/*
 * What is old becomes more, but all that lives does not: younger blocks become fewer by as many. A cache
 * that is full and keeps what is asked for often ages like that for hours. Seen over the second half of
 * the run; where the number of younger ones varies for other reasons, too, it says nothing.
 */
static bool is_only_ageing(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	size_t half = 0;
	while (half + 3 < rise->count &&
	       series->time_s[rise->survivors.start + half] < series->time_s[series->count - 1] / 2)
		half++;
	return live_shape_is_level_beside(series->live_blocks + rise->survivors.start + half,
					  rise->values + half, rise->count - half,
					  inquiry->limits->level);
}

static bool is_kept(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct verdict_limits *limits = inquiry->limits;
	const struct survivors *of = &rise->survivors;
	return of->kept_lately >= limits->kept && of->kept_lately_on_mean >= limits->kept &&
	       of->kept_of_oldest >= limits->kept_of_any && of->kept_on_mean >= limits->kept_of_any;
}

/* The site allocates nothing any more, and that is no chance: then nothing more can be kept. Asked of what it
 * allocates, for at an old age the end of it is out of sight. */
static bool has_gone_quiet(const struct inquiry *inquiry)
{
	const struct cohort_series *series = inquiry->series;
	const size_t first = inquiry->survey.first;
	double births[SERIES_MAX_STEPS];
	for (size_t i = first; i < series->count; i++)
		births[i - first] = (series->births[i] - series->births[i - 1]) / series->unit;
	struct additions added = {series, first, series->count - first, births, 2};
	enum verdict_clock clock;
	struct pace pace = additions_pace(&added, inquiry->limits->clock_gain, &clock);
	return additions_have_ended(&added, pace.dispersion, inquiry->limits->ended);
}

/* Questions 1 to 4 at one age. Cheap ones first. */
static void ask_survivors(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	struct survivors *of = &rise->survivors;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->kind = RISE_OF_SURVIVORS;
	rise->has_ended = false;
	rise->amounts = of->end - of->first;
	rise->positive = of->periods;
	if (of->arrived < 2 * series->unit || of->periods < 2)
		return;
	rise->doubt = DOUBT_MORTAL;
	if (!is_kept(inquiry, rise))
		return;
	rise->kept = fmin(of->kept_lately, of->kept_lately_on_mean);

	rise->doubt = DOUBT_LEVEL;
	rise->count = series->count - of->start;
	for (size_t i = 0; i < rise->count; i++) {
		size_t birth = survivors_birth_step(of, of->start + i);
		rise->times[i] = series->time_s[birth];
		rise->values[i] = of->aged[i];
	}
	rise->z = rise_certainty(rise->values, rise->count);
	if (rise->z < limits->rise)
		return;
	if (is_only_ageing(inquiry, rise))
		return;
	double observed[SERIES_MAX_STEPS];
	for (size_t i = 0; i < rise->amounts; i++)
		observed[i] = of->arrivals[i] / series->unit;
	double births = series->births[of->end - 1] - series->births[of->first - 1];
	struct additions added = {series, of->first, rise->amounts, observed,
				  of->arrived < limits->own_share * births ? 3 : 2};
	rise->pace = additions_pace(&added, limits->clock_gain, &rise->clock);
	rise->doubt = DOUBT_SLOWS;
	rise->has_ended = additions_have_ended(&added, rise->pace.dispersion, limits->ended);
	if (rise->has_ended)
		return;
	rise->doubt = DOUBT_REPLACED;
	if (of->gain < limits->kept || of->late_gain < limits->kept)
		return;
	judge_pace(inquiry, rise);
	if (rise->doubt > DOUBT_SLOWS && has_gone_quiet(inquiry)) {
		rise->doubt = DOUBT_SLOWS;
		rise->has_ended = true;
	}
}

/* Of several ages at which it leaks the one that shows it best: among thousands of sites it must stand
 * out (see false_discovery), and at a younger age other blocks blur it. */
static bool is_better(const struct rise *rise, const struct rise *best)
{
	if (rise->doubt != best->doubt)
		return rise->doubt > best->doubt;
	return rise->doubt == DOUBT_NONE && rise->z > best->z;
}

static bool has_age(const struct inquiry *inquiry, size_t steps, bool is_by_births,
		    struct survivors *made)
{
	double last = (double)inquiry->series->count - 1;
	return is_by_births ? survivors_at_births(made, &inquiry->survey, (double)steps / last)
			    : survivors_at(made, &inquiry->survey, steps);
}

static void ask_ages(const struct inquiry *inquiry, bool is_by_births, struct rise *best)
{
	struct rise rise;
	unsigned further = 0;
	for (size_t i = 0; i < RISE_AGE_COUNT; i++) {
		if (!has_age(inquiry, rise_ages[i], is_by_births, &rise.survivors))
			return;
		ask_survivors(inquiry, &rise);
		/* Where those that reach the age are the kept ones, older blocks tell less of the
		 * pace, as they end earlier. But mortal ones among the oldest make it seem to slow
		 * down. */
		bool is_pure = rise.survivors.kept_on_mean >= inquiry->limits->pure &&
			       rise.survivors.kept_of_oldest >= inquiry->limits->pure_oldest;
		if (is_by_births && !is_pure)
			continue;
		/* What no longer comes to an age never comes to an older one. */
		if (rise.has_ended && best->doubt != DOUBT_NONE) {
			*best = rise;
			return;
		}
		if (is_better(&rise, best))
			*best = rise;
		if (is_pure && best->doubt == DOUBT_NONE)
			further++;
		if (is_pure && (best->doubt == DOUBT_SLOWS || further > MOST_FURTHER ||
				(best->doubt == DOUBT_NONE && best->z >= inquiry->limits->certain)))
			return;
	}
}

void rise_find_survivors(const struct inquiry *inquiry, struct rise *best)
{
	best->doubt = DOUBT_NOTHING_THERE;
	ask_ages(inquiry, false, best);
	if (best->doubt > DOUBT_NOTHING_THERE && best->doubt <= DOUBT_REPLACED)
		ask_ages(inquiry, true, best);
}

/* Buffers that become longer and not more. */
void rise_find_length(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	const size_t first = inquiry->survey.first;
	struct live_changes changes;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->kind = RISE_OF_LENGTH;
	rise->has_ended = false;
	live_changes_take(&changes, inquiry, series->live_bytes, first - 1, rise);
	/* More or fewer blocks do not explain it. */
	if (!(changes.grown > 0) ||
	    live_shape_bytes_of_count(series, first) > limits->kept_of_any * changes.grown)
		return;
	rise->doubt = DOUBT_MORTAL;
	rise->kept = 1 - changes.shrunk / changes.grown;
	if (rise->kept < limits->kept)
		return;
	rise->doubt = DOUBT_LEVEL;
	rise->z = rise_certainty(rise->values, rise->count);
	if (rise->z < limits->rise || !live_shape_is_born_longer(series, first))
		return;
	rise->doubt = DOUBT_REPLACED;
	if (changes.late <= 0)
		return;
	struct additions added = {series, first, rise->amounts, changes.amounts, 2};
	rise->pace = additions_pace(&added, limits->clock_gain, &rise->clock);
	rise->doubt = DOUBT_SLOWS;
	rise->has_ended = additions_have_ended(&added, 1, limits->ended);
	if (rise->has_ended)
		return;
	judge_pace(inquiry, rise);
}

/* Nothing is freed, and each block is longer than those before it. */
static bool adds_ever_longer_chunks(const struct cohort_series *series)
{
	const size_t last = series->count - 1;
	return series->live_blocks[last] - series->live_blocks[0] ==
		       series->births[last] - series->births[0] &&
	       live_shape_is_born_longer(series, 1);
}

/*
 * A vector or a table that becomes so many times longer whenever it is full steps ever more seldom, and so
 * does an arena that adds ever longer chunks. What it holds is known at each step: just as much as the room
 * before. That content, not the room, is asked for its pace, over the whole run, for half of the steps lie
 * in its first moments.
 */
void rise_find_steps(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	const size_t last = series->count - 1;
	double length[SERIES_MAX_STEPS], work[SERIES_MAX_STEPS], amounts[SERIES_MAX_STEPS];
	double grown = 0, grown_in_steps = 0;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->kind = RISE_OF_LENGTH;
	rise->has_ended = false;
	rise->count = 0;
	for (size_t i = 0; i <= last; i++) {
		length[i] = live_shape_without_outlier(series->live_bytes, series->count, i);
		if (!i || length[i] == length[i - 1] || !(length[i - 1] > 0))
			continue;
		if (length[i] < length[i - 1])
			return;
		grown += length[i] - length[i - 1];
		if (length[i] < limits->step * length[i - 1])
			continue;
		grown_in_steps += length[i] - length[i - 1];
		rise->times[rise->count] = series->time_s[i];
		work[rise->count] = series->others[i];
		rise->values[rise->count++] = length[i - 1];
	}
	bool is_of_chunks = adds_ever_longer_chunks(series);
	if (rise->count < 3 || grown_in_steps < (1 - limits->kept_of_any) * grown ||
	    (!is_of_chunks && live_shape_bytes_of_count(series, 1) > limits->kept_of_any * grown))
		return;
	if (is_of_chunks)
		rise->kind = RISE_OF_CHUNKS;
	rise->doubt = DOUBT_REPLACED;
	rise->kept = 1;
	rise->amounts = rise->positive = rise->count;
	rise->z = trend_mann_kendall(length, series->count).z;
	if (rise->times[rise->count - 1] <= series->time_s[inquiry->survey.then])
		return; /* no step lately: full, as far as anyone knows */
	for (size_t i = 1; i < rise->count; i++)
		amounts[i - 1] = rise->values[i] - rise->values[i - 1];
	rise->clock = CLOCK_TIME;
	rise->pace = additions_fit(rise->times, 1, amounts, rise->count - 1);
	struct pace by_work = additions_fit(work, 1, amounts, rise->count - 1);
	if (fabs(by_work.decline) < fabs(rise->pace.decline) && isfinite(by_work.error)) {
		rise->clock = CLOCK_WORK;
		rise->pace = by_work;
	}
	rise->doubt = DOUBT_SLOWS;
	if (rise_is_slower(limits, rise->pace))
		return;
	rise->doubt = DOUBT_VAGUE;
	if (is_enough(inquiry, rise))
		rise->doubt = DOUBT_NONE;
}
