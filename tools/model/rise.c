/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rise: the questions, in the order in which they are asked.
 *
 * For each age, from young to old, of the blocks that were born after start-up:
 *
 *   1. Are those that have reached the age kept? By cohort, by number, among the oldest births, and
 *      over the last part of the run.                    no: sessions, caches, traffic; an older age
 *   2. Do all blocks of that age add up?                 no: as many die of those born before
 *   3. Are as many added as in the beginning, per time or per work done? (And if they seem to be
 *      fewer: was it already slowing down during start-up?)
 *                                                        no: a warm-up or a cache that fills
 *   4. Is enough seen for that: periods, and an even pace?               no: growing
 *   All yes: a leak.
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

#include "tools/model/live_shape.h"
#include "tools/model/trend.h"

#define LEAST_FACTOR 1.2 /* a vector that grows in steps becomes so many times longer */
#define SURELY 1.645	 /* one-sided 5 % */

/* Up to a third of the steps: an older age has too few births before and too little time after it. */
const size_t rise_ages[RISE_AGE_COUNT] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17};

struct inquiry rise_inquire(const struct cohort_series *series, const struct verdict_limits *limits)
{
	struct inquiry inquiry = {.series = series, .limits = limits};
	inquiry.survey = survey_make(series, limits->startup_share, limits->recent_share);
	inquiry.births = survey_births(&inquiry.survey);
	return inquiry;
}

static double certainty_of(const double *values, size_t count)
{
	return fmin(trend_mann_kendall(values, count).z, trend_drift(values, count));
}

static struct pace fit_clock(const double *clock, size_t first, const double *amounts, size_t count)
{
	double lengths[SERIES_MAX_STEPS];
	for (size_t i = 0; i < count; i++)
		lengths[i] = clock[first + i] - clock[first + i - 1];
	return pace_fit(amounts, lengths, count);
}

/* Clearly slower than in the beginning: the decline is more than allowed, and that is no chance. */
static bool is_slower(const struct verdict_limits *limits, struct pace pace)
{
	double error = fmin(pace.error, limits->decline_error);
	return pace.decline > limits->decline + SURELY * error;
}

/* Less growth because there was less to do is no slowing down. So each clock is asked that makes the
 * pace nearly as even as the best one; the steadiest of these is believed. */
static void measure_pace(const struct inquiry *inquiry, struct rise *rise, size_t first,
			 const double *amounts, size_t count, double total)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	double births = series->births[first + count - 1] - series->births[first - 1];
	const double *clocks[] = {series->time_s, series->others, series->births};
	size_t clock_count = total < limits->own_share * births ? 3 : 2;
	struct pace paces[3];
	double least = INFINITY;
	for (size_t i = 0; i < clock_count; i++) {
		paces[i] = fit_clock(clocks[i], first, amounts, count);
		if (isfinite(paces[i].error))
			least = fmin(least, paces[i].dispersion);
	}
	rise->clock = CLOCK_TIME;
	rise->pace = paces[0];
	bool is_first = true;
	for (size_t i = 0; i < clock_count; i++) {
		if (!isfinite(paces[i].error) || paces[i].dispersion * limits->clock_gain > least)
			continue;
		if (!is_first && fabs(paces[i].decline) >= fabs(rise->pace.decline))
			continue;
		is_first = false;
		rise->clock = (enum verdict_clock)i;
		rise->pace = paces[i];
	}
}

/* Seen from the beginning, start-up included: slower, and still slowing? A site that only had much to do
 * in its first moments is not slowing down any more. */
static bool goes_on_slowing(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const double *clocks[] = {series->time_s, series->others, series->births};
	double arrivals[SERIES_MAX_STEPS];
	if (rise->pace.decline <= inquiry->limits->decline)
		return false;
	size_t count = survivors_all_arrivals(&rise->survivors, series, arrivals);
	for (size_t i = 0; i < count; i++)
		arrivals[i] /= series->unit;
	return is_slower(inquiry->limits, fit_clock(clocks[rise->clock], 1, arrivals, count));
}

static bool is_enough(const struct inquiry *inquiry, const struct rise *rise)
{
	return inquiry->series->count >= VERDICT_MIN_SNAPSHOTS &&
	       (double)rise->positive >= inquiry->limits->periods &&
	       rise->pace.error <= inquiry->limits->decline_error &&
	       rise->pace.decline <= inquiry->limits->slowest;
}

static bool is_kept(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct verdict_limits *limits = inquiry->limits;
	const struct survivors *of = &rise->survivors;
	return of->kept_lately >= limits->kept && of->kept_lately_on_mean >= limits->kept &&
	       of->kept_of_oldest >= limits->kept_of_any && of->kept_on_mean >= limits->kept_of_any;
}

/* Questions 1 to 4 at one age. Cheap ones first. */
static void ask_survivors(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	struct survivors *of = &rise->survivors;
	rise->doubt = DOUBT_NOTHING_THERE;
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
		size_t birth = survivors_birth_step(of, series, of->start + i);
		rise->times[i] = series->time_s[birth];
		rise->values[i] = of->aged[i];
	}
	rise->z = certainty_of(rise->values, rise->count);
	if (rise->z < limits->rise)
		return;
	rise->doubt = DOUBT_REPLACED;
	if (of->gain < limits->kept || of->late_gain < limits->kept)
		return;
	double observed[SERIES_MAX_STEPS];
	for (size_t i = 0; i < rise->amounts; i++)
		observed[i] = of->arrivals[i] / series->unit;
	measure_pace(inquiry, rise, of->first, observed, rise->amounts, of->arrived);
	rise->doubt = DOUBT_SLOWS;
	if (is_slower(limits, rise->pace) || goes_on_slowing(inquiry, rise))
		return;
	rise->doubt = DOUBT_VAGUE;
	if (is_enough(inquiry, rise))
		rise->doubt = DOUBT_NONE;
}

void rise_find_survivors(const struct inquiry *inquiry, struct rise *best)
{
	struct rise rise;
	best->doubt = DOUBT_NOTHING_THERE;
	for (size_t i = 0; i < RISE_AGE_COUNT; i++) {
		if (!survivors_at(&rise.survivors, &inquiry->survey, rise_ages[i]))
			return;
		ask_survivors(inquiry, &rise);
		if (rise.doubt > best->doubt)
			*best = rise;
		if (rise.doubt == DOUBT_NONE)
			return;
		/* Where those that reach the age are the kept ones, older blocks tell less of the
		 * pace, as they end earlier. */
		if (rise.doubt == DOUBT_SLOWS &&
		    rise.survivors.kept_on_mean >= inquiry->limits->pure)
			return;
	}
}

/* Buffers that become longer and not more. */
void rise_find_length(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	const size_t first = inquiry->survey.first;
	double amounts[SERIES_MAX_STEPS], grown = 0, shrunk = 0, late = 0;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->count = series->count - first + 1;
	rise->amounts = rise->count - 1;
	rise->positive = 0;
	for (size_t i = 0; i < rise->count; i++) {
		rise->times[i] = series->time_s[first - 1 + i];
		rise->values[i] = live_shape_without_outlier(series->live_bytes, series->count,
							     first - 1 + i);
		double change = i ? rise->values[i] - rise->values[i - 1] : 0;
		grown += fmax(0, change);
		shrunk += fmax(0, -change);
		rise->positive += change > 0;
		if (i)
			amounts[i - 1] = fmax(0, change);
		if (first - 1 + i > inquiry->survey.then)
			late += change;
	}
	/* More or fewer blocks do not explain it. */
	if (!(grown > 0) || live_shape_bytes_of_count(series, first) > limits->kept_of_any * grown)
		return;
	rise->doubt = DOUBT_MORTAL;
	rise->kept = 1 - shrunk / grown;
	if (rise->kept < limits->kept)
		return;
	rise->doubt = DOUBT_LEVEL;
	rise->z = certainty_of(rise->values, rise->count);
	if (rise->z < limits->rise)
		return;
	rise->doubt = DOUBT_REPLACED;
	if (late <= 0)
		return;
	measure_pace(inquiry, rise, first, amounts, rise->amounts, INFINITY);
	rise->doubt = DOUBT_SLOWS;
	if (is_slower(limits, rise->pace))
		return;
	rise->doubt = DOUBT_VAGUE;
	if (is_enough(inquiry, rise))
		rise->doubt = DOUBT_NONE;
}

/*
 * A vector or a table that becomes so many times longer whenever it is full steps ever more seldom.
 * What it holds is known at each step: just as much as the room before. That content, not the room,
 * is asked for its pace, over the whole run, for half of the steps lie in its first moments.
 */
void rise_find_steps(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	const struct verdict_limits *limits = inquiry->limits;
	const size_t last = series->count - 1;
	double length[SERIES_MAX_STEPS], work[SERIES_MAX_STEPS], amounts[SERIES_MAX_STEPS];
	double grown = 0, grown_in_steps = 0;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->count = 0;
	for (size_t i = 0; i <= last; i++) {
		length[i] = live_shape_without_outlier(series->live_bytes, series->count, i);
		if (!i || length[i] == length[i - 1] || !(length[i - 1] > 0))
			continue;
		if (length[i] < length[i - 1])
			return;
		grown += length[i] - length[i - 1];
		if (length[i] < LEAST_FACTOR * length[i - 1])
			continue;
		grown_in_steps += length[i] - length[i - 1];
		rise->times[rise->count] = series->time_s[i];
		work[rise->count] = series->others[i];
		rise->values[rise->count++] = length[i - 1];
	}
	if (rise->count < 3 || grown_in_steps < (1 - limits->kept_of_any) * grown ||
	    live_shape_bytes_of_count(series, 1) > limits->kept_of_any * grown)
		return;
	rise->doubt = DOUBT_REPLACED;
	rise->kept = 1;
	rise->amounts = rise->positive = rise->count;
	rise->z = trend_mann_kendall(length, series->count).z;
	if (rise->times[rise->count - 1] <= series->time_s[inquiry->survey.then])
		return; /* no step lately: full, as far as anyone knows */
	for (size_t i = 1; i < rise->count; i++)
		amounts[i - 1] = rise->values[i] - rise->values[i - 1];
	rise->clock = CLOCK_TIME;
	rise->pace = fit_clock(rise->times, 1, amounts, rise->count - 1);
	struct pace by_work = fit_clock(work, 1, amounts, rise->count - 1);
	if (fabs(by_work.decline) < fabs(rise->pace.decline) && isfinite(by_work.error)) {
		rise->clock = CLOCK_WORK;
		rise->pace = by_work;
	}
	rise->doubt = DOUBT_SLOWS;
	if (is_slower(limits, rise->pace))
		return;
	rise->doubt = DOUBT_VAGUE;
	if (is_enough(inquiry, rise))
		rise->doubt = DOUBT_NONE;
}
