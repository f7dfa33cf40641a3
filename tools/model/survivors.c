/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survivors: which blocks of a site live on when they have reached an age.
 *
 * Ages are compared in time, not in steps: with the automatic schedule the periods of a run become
 * ever longer, and blocks that live for a second would seem to live for ten periods in its beginning
 * and for none at its end. Or by the allocations of the site: what is full drops a block when so many
 * newer ones have come, however long that takes while the load goes up and down.
 *
 * Shares are taken "by cohort" where possible, each cohort counting the same: blocks of one cohort
 * die together, so a large one proves no more than a small one.
 */
#include "tools/model/survivors.h"

#include <math.h>

#include "tools/model/trend.h"

/* Snapshots come a little late or early, and a share of births is rounded; an age is reached when this part
 * of it has passed. */
#define NEARLY 0.999
#define FEW_PERIODS 5 /* in whose order there is something to see */

static double share_of_kept(double kept, double of, double prior_kept, double prior)
{
	return (fmin(kept, of) + prior_kept) / (of + prior);
}

struct survey survey_make(const struct cohort_series *series, double startup_share,
			  double recent_share)
{
	const double *time_s = series->time_s;
	const size_t count = series->count, last = count - 1;
	struct survey survey = {.series = series, .first = 1, .then = last};
	if (count < 3)
		return survey;
	/* The first period is as long as the second, as far as anyone knows. */
	double start = time_s[0] - (time_s[1] - time_s[0]), span = time_s[last] - start;
	while (survey.first < count / 2 &&
	       (time_s[survey.first - 1] - start < startup_share * span * NEARLY ||
		!series->is_cut[survey.first - 1]))
		survey.first++;
	survey.then = last - 1;
	while (survey.then > survey.first &&
	       time_s[last] - time_s[survey.then] < recent_share * span * NEARLY)
		survey.then--;
	return survey;
}

double survey_births(const struct survey *survey)
{
	const struct cohort_series *series = survey->series;
	return series->births[series->count - 1] - series->births[survey->first - 1];
}

/* For each period the step at which its births have reached the age by the clock; `count` for those
 * that have not. Returns the number of periods that have. */
static size_t find_reached(const struct cohort_series *series, const double *clock, double age,
			   size_t *reached)
{
	size_t step = 0, have = 0;
	for (size_t period = 0; period < series->count; period++) {
		while (step < series->count && clock[step] - clock[period] < age)
			step++;
		reached[period] = step;
		if (step < series->count)
			have = period + 1;
	}
	return have;
}

/* How many periods have: as that says, but not when. */
static size_t count_reached(const struct cohort_series *series, const double *clock, double age)
{
	size_t count = series->count;
	while (count && clock[series->count - 1] - clock[count - 1] < age)
		count--;
	return count;
}

/* Of the blocks of the whole cohorts in periods [first, end): from how many (at the step `since` of
 * their period) to how many (at the last step), summed and by cohort. */
struct tally {
	double from, to;
	double shares, cohorts;
};

static struct tally count_kept(const struct cohort_series *series, const size_t *since,
			       size_t fixed_since, size_t first, size_t end)
{
	struct tally tally = {0};
	double from = 0, to = 0;
	for (size_t period = first; period < end; period++) {
		size_t step = since ? since[period] : fixed_since;
		from += cohort_series_born(series, step, period);
		to += cohort_series_born(series, series->count - 1, period);
		if (!series->is_cut[period])
			continue;
		tally.from += from;
		tally.to += fmin(from, to);
		if (from > 0) {
			tally.shares += fmin(1, to / from);
			tally.cohorts++;
		}
		from = to = 0;
	}
	return tally;
}

static void measure_arrivals(struct survivors *made, const struct cohort_series *series,
			     const size_t *reached)
{
	const size_t last = series->count - 1;
	size_t cohort = made->first, positive = 0;
	double arrived = 0, left = 0;
	made->arrived = 0;
	made->periods = 0;
	for (size_t period = made->first; period < made->end; period++) {
		double here = cohort_series_born(series, reached[period], period);
		made->arrivals[period - made->first] = here;
		made->arrived += here;
		arrived += here;
		positive += here > 0;
		left += cohort_series_born(series, last, period);
		if (!series->is_cut[period] && period + 1 < made->end)
			continue;
		left = fmin(left, arrived);
		for (; cohort <= period; cohort++)
			made->kept[cohort - made->first] =
				arrived > 0 ? made->arrivals[cohort - made->first] * left / arrived
					    : 0;
		made->periods += (size_t)fmin(left / series->unit + 0.5, (double)positive);
		arrived = left = 0;
		positive = 0;
	}
}

static void measure_kept(struct survivors *made, const struct survey *survey, const size_t *reached,
			 size_t resolved)
{
	const struct cohort_series *series = survey->series;
	struct tally all = count_kept(series, reached, 0, made->first, resolved);
	made->kept_on_mean = share_of_kept(all.shares, all.cohorts, 0.5, 1);

	size_t third = made->first + (resolved - made->first + 2) / 3;
	while (third < resolved && !series->is_cut[third - 1])
		third++;
	struct tally oldest = count_kept(series, reached, 0, made->first, third);
	made->kept_of_oldest = share_of_kept(oldest.to, oldest.from, series->unit, series->unit);

	size_t old = made->first;
	while (old < made->end && reached[old] <= survey->then)
		old++;
	struct tally lately = count_kept(series, NULL, survey->then, made->first, old);
	made->kept_lately = share_of_kept(lately.to, lately.from, 0, series->unit);
	made->kept_lately_on_mean = share_of_kept(lately.shares, lately.cohorts, 0.5, 1);
}

static void measure_gain(struct survivors *made, const struct cohort_series *series,
			 const size_t *reached)
{
	const size_t last = series->count - 1;
	const double *time_s = series->time_s;
	size_t until = 0; /* periods below have reached the age */
	for (size_t step = made->start; step <= last; step++) {
		while (until < step && reached[until] <= step)
			until++;
		made->aged[step - made->start] = until ? series->blocks[step][until - 1] : 0;
	}

	size_t late = made->start;
	while (late + 2 <= last &&
	       time_s[late] < time_s[made->start] + (time_s[last] - time_s[made->start]) * 2 / 3)
		late++;
	size_t late_first = made->first;
	while (late_first < made->end && reached[late_first] <= late)
		late_first++;
	double newest = series->blocks[last][made->end - 1];
	double came = newest - series->blocks[last][made->first - 1];
	double came_late = newest - series->blocks[last][late_first - 1];
	double gain = made->aged[last - made->start] - made->aged[0];
	double late_gain = made->aged[last - made->start] - made->aged[late - made->start];
	made->gain = came > 0 ? gain / came : 0;
	made->late_gain = came_late > 0 ? late_gain / came_late : 0;
}

/* The times and counts of a hostile file may go back. */
static bool is_clock(const struct cohort_series *series, const double *clock)
{
	for (size_t step = 1; step < series->count; step++)
		if (!(clock[step] >= clock[step - 1]))
			return false;
	return true;
}

static bool make_at_age(struct survivors *survivors, const struct survey *survey,
			const double *clock, double age)
{
	const struct cohort_series *series = survey->series;
	size_t reached[SERIES_MAX_STEPS];
	const size_t last = series->count - 1;
	age *= NEARLY;
	survivors->clock = clock;
	survivors->age = age;
	survivors->first = survey->first;
	if (count_reached(series, clock, age) <= survivors->first || !is_clock(series, clock))
		return false;
	survivors->end = find_reached(series, clock, age, reached);
	survivors->age_s = clock == series->time_s
				   ? age
				   : series->time_s[last] - series->time_s[survivors->end - 1];
	size_t resolved = count_reached(series, clock, 2 * age);
	while (resolved > survivors->first && !series->is_cut[resolved - 1])
		resolved--;
	if (resolved <= survivors->first)
		return false; /* no whole cohort is old enough */
	survivors->start = reached[survivors->first - 1];
	measure_arrivals(survivors, series, reached);
	measure_kept(survivors, survey, reached, resolved);
	measure_gain(survivors, series, reached);
	return true;
}

bool survivors_at(struct survivors *survivors, const struct survey *survey, size_t steps)
{
	const struct cohort_series *series = survey->series;
	if (series->count < steps + 3)
		return false;
	const size_t last = series->count - 1;
	return make_at_age(survivors, survey, series->time_s,
			   series->time_s[last] - series->time_s[last - steps]);
}

bool survivors_at_births(struct survivors *survivors, const struct survey *survey, double share)
{
	const struct cohort_series *series = survey->series;
	/* What was made at start, however much, is no measure of what comes later. */
	double age = (series->births[series->count - 1] - series->births[0]) * share;
	return age > 0 && series->count >= 3 && make_at_age(survivors, survey, series->births, age);
}

/* Of each period's births, what part has come to the age. Returns how many periods could be told. */
static size_t find_shares(const struct survey *survey, double age_s, double *shares)
{
	const struct cohort_series *series = survey->series;
	size_t reached[SERIES_MAX_STEPS], count = 0;
	size_t end = find_reached(series, series->time_s, age_s, reached);
	for (size_t period = survey->first; period < end; period++) {
		double births = series->births[period] - series->births[period - 1];
		if (births > 0 && cohort_series_is_exact(series, reached[period], period) &&
		    cohort_series_is_exact(series, reached[period], period - 1))
			shares[count++] = fmin(
				1, cohort_series_born(series, reached[period], period) / births);
	}
	return count;
}

bool survey_lives_lengthen(const struct survey *survey, const size_t *ages, size_t count, double z)
{
	const double *time_s = survey->series->time_s;
	const size_t last = survey->series->count - 1;
	double shares[SERIES_MAX_STEPS];
	for (size_t i = 0; i < count && ages[i] + 3 <= last; i++) {
		double age_s = (time_s[last] - time_s[last - ages[i]]) * NEARLY;
		size_t periods = find_shares(survey, age_s, shares);
		if (periods >= FEW_PERIODS && trend_mann_kendall(shares, periods).z >= z)
			return true;
	}
	return false;
}

size_t survivors_all_arrivals(const struct survivors *survivors, const struct cohort_series *series,
			      double *arrivals)
{
	size_t reached[SERIES_MAX_STEPS];
	size_t end = find_reached(series, survivors->clock, survivors->age, reached);
	for (size_t period = 1; period < end; period++)
		arrivals[period - 1] = cohort_series_born(series, reached[period], period);
	return end > 1 ? end - 1 : 0;
}

size_t survivors_birth_step(const struct survivors *survivors, size_t step)
{
	size_t period = step;
	while (period > 0 && survivors->clock[step] - survivors->clock[period] < survivors->age)
		period--;
	return period;
}
