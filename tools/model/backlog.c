/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog: ever more lives, whether any of it is kept or not.
 *
 * Asked from start-up on, and from each later step up to a part of the run: the fill of a cache before it has
 * nothing to say about a leak behind it. The earliest step from which on all is answered is taken; where there
 * is none, the earliest one from which on all but the last question is, and what rises since is not slower
 * than it was then.
 */
#include "tools/model/backlog.h"

#include <math.h>

#include "tools/model/additions.h"
#include "tools/model/live_changes.h"
#include "tools/model/live_shape.h"
#include "tools/model/rise.h"
#include "tools/model/trend.h"

#define STRIDE 0.05 /* of the run, from one step that is asked to the next one */

/* By J. D. C. Little's law ("A Proof for the Queuing Formula L = lambda W", Operations Research 9, 1961)
 * what lives is what comes in a time, times how long it lives. So it may become more because more comes,
 * or has come since some moment; then nothing is said. But if so much more comes, no more than so much more
 * would live. And where blocks live ever longer, too, a bit more that comes is not the reason. */
static bool may_be_load(const struct inquiry *inquiry, const struct rise *rise, bool is_longer)
{
	const struct verdict_limits *limits = inquiry->limits;
	const struct cohort_series *series = inquiry->series;
	const size_t first = inquiry->survey.first, last = series->count - 1;
	const double *time_s = series->time_s;
	double rates[SERIES_MAX_STEPS], ends[SERIES_MAX_STEPS];
	size_t count = 0;
	for (size_t i = first; i <= last; i++) {
		if (!(time_s[i] > time_s[i - 1]))
			continue;
		ends[count] = time_s[i];
		rates[count++] =
			(series->births[i] - series->births[i - 1]) / (time_s[i] - time_s[i - 1]);
	}
	struct trend_test test = trend_mann_kendall(rates, count);
	if (test.z < limits->rise)
		return false;
	double span_s = time_s[last] - time_s[first - 1];
	double mean = (series->births[last] - series->births[first - 1]) / span_s;
	struct trend_slope slope = trend_theil_sen(ends, rates, count, &test);
	if (is_longer)
		return slope.per_unit * span_s > limits->more_load * mean;
	double gain = rise->values[rise->count - 1] - rise->values[0];
	return slope.high * span_s * rise->values[rise->count - 1] >
	       (1 - limits->climbs) * gain * mean;
}

/* What was added until the clock stood at `at`, since it stood at `from`. Evenly within a period, as far
 * as anyone knows. What is there at the first step may have been there always. */
static double added_between(const struct cohort_series *series, const double *clock, double from,
			    double at)
{
	const double *live = series->live_blocks;
	double sum = 0;
	for (size_t i = 1; i < series->count && clock[i - 1] < at; i++) {
		double within = fmin(clock[i], at) - fmax(clock[i - 1], from);
		if (within > 0)
			sum += fmax(0, live[i] - live[i - 1]) * within / (clock[i] - clock[i - 1]);
	}
	return sum;
}

/*
 * How much slower it has become when the clock went on from `step` to its end, compared with as many
 * times less before (a logarithm, surely so much at least). What slows down like a power of time, 1/t
 * for one, does so by this once more in the time behind the step; what slows down exponentially by more.
 * Who does clearly less has come to an even pace.
 */
static double slowed_down_by(const struct inquiry *inquiry, const double *clock, size_t step,
			     double dispersion)
{
	const struct cohort_series *series = inquiry->series;
	double end = clock[series->count - 1], at = clock[step];
	double from = fmax(clock[0], at * at / end);
	double before = added_between(series, clock, from, at);
	double after = added_between(series, clock, at, end);
	if (!(before > 0) || !(after > 0) || !(at > from))
		return 0;
	double error = sqrt(fmax(1, dispersion) * (1 / before + 1 / after));
	return log(before / (at - from)) - log(after / (end - at)) - TREND_VERY_SURELY * error;
}

/* What is asked of all steps. */
struct climb {
	const struct inquiry *inquiry;
	double live[SERIES_MAX_STEPS];
	/* Up to each step: what was added, what was lost, and the most that there was before it. */
	double grown[SERIES_MAX_STEPS], shrunk[SERIES_MAX_STEPS], most[SERIES_MAX_STEPS];
	enum { NOT_ASKED, LENGTHEN, DO_NOT } lives;
};

static void measure_climb(struct climb *climb, const struct inquiry *inquiry)
{
	const struct cohort_series *series = inquiry->series;
	climb->inquiry = inquiry;
	climb->lives = NOT_ASKED;
	climb->grown[0] = climb->shrunk[0] = climb->most[0] = 0;
	for (size_t i = 0; i < series->count; i++) {
		climb->live[i] = live_shape_without_outlier(series->live_blocks, series->count, i);
		if (!i)
			continue;
		double change = climb->live[i] - climb->live[i - 1];
		climb->grown[i] = climb->grown[i - 1] + fmax(0, change);
		climb->shrunk[i] = climb->shrunk[i - 1] + fmax(0, -change);
		climb->most[i] = fmax(climb->most[i - 1], climb->live[i - 1]);
	}
}

/* Hardly falls, and little of what came is only what had gone before. */
static bool climbs_from(const struct climb *climb, size_t step)
{
	const size_t last = climb->inquiry->series->count - 1, then = climb->inquiry->survey.then;
	double grown = climb->grown[last] - climb->grown[step];
	double shrunk = climb->shrunk[last] - climb->shrunk[step];
	double least = climb->inquiry->limits->climbs * grown;
	return grown > 0 && grown - shrunk >= least && climb->live[last] > climb->live[then] &&
	       climb->live[last] - climb->most[step] >= least;
}

static bool lives_lengthen(struct climb *climb)
{
	if (climb->lives == NOT_ASKED)
		climb->lives = survey_lives_lengthen(&climb->inquiry->survey, rise_ages,
						     RISE_AGE_COUNT, TREND_VERY_SURELY)
				       ? LENGTHEN
				       : DO_NOT;
	return climb->lives == LENGTHEN;
}

static bool goes_on(struct climb *climb, const struct rise *rise, size_t step)
{
	const struct inquiry *inquiry = climb->inquiry;
	const struct verdict_limits *limits = inquiry->limits;
	const double *clock = additions_clock(inquiry->series, rise->clock);
	/* A clock that had hardly begun by then would make 1/t fall without measure. */
	double end = clock[inquiry->series->count - 1];
	double endless = log(end / fmax(clock[step], limits->startup_share * end));
	if (pace_is_below(rise->pace, limits->even * endless, TREND_SURELY))
		return true;
	double slowed = slowed_down_by(inquiry, clock, step, rise->pace.dispersion);
	if (pace_is_below(rise->pace, limits->even * slowed, TREND_VERY_SURELY))
		return true;
	return !rise_is_slower(limits, rise->pace) && rise->pace.decline <= limits->slowest &&
	       lives_lengthen(climb);
}

/* DOUBT_NONE, DOUBT_RISES, or nothing there. */
static enum doubt doubt_from(struct climb *climb, size_t step, struct rise *rise)
{
	const struct inquiry *inquiry = climb->inquiry;
	const struct verdict_limits *limits = inquiry->limits;
	struct live_changes changes;
	live_changes_take(&changes, inquiry, inquiry->series->live_blocks, step, rise);
	if ((double)rise->positive < limits->periods)
		return DOUBT_NOTHING_THERE;
	struct additions added = {inquiry->series, step + 1, rise->amounts, changes.amounts, 2};
	rise->pace = additions_pace(&added, limits->clock_gain, &rise->clock);
	if (additions_have_ended(&added, 1, limits->ended))
		return DOUBT_NOTHING_THERE;
	bool is_endless = goes_on(climb, rise, step);
	if (!is_endless && rise_is_slower(limits, rise->pace))
		return DOUBT_NOTHING_THERE;
	rise->kept = 1 - changes.shrunk / changes.grown;
	rise->z = rise_certainty(rise->values, rise->count);
	/* Where lives lengthen, that is a second witness: both together must be as certain as one alone
	 * (S. A. Stouffer et al., "The American Soldier" 1 (1949), p. 45). */
	bool has_witness = is_endless && lives_lengthen(climb);
	double certain =
		has_witness ? M_SQRT2 * limits->certain - TREND_VERY_SURELY : limits->certain;
	if (rise->z < certain || may_be_load(inquiry, rise, lives_lengthen(climb)))
		return DOUBT_NOTHING_THERE;
	return is_endless ? DOUBT_NONE : DOUBT_RISES;
}

void backlog_find(const struct inquiry *inquiry, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	struct climb climb;
	struct rise from_step;
	rise->doubt = DOUBT_NOTHING_THERE;
	rise->kind = RISE_OF_BACKLOG;
	if (series->count < VERDICT_MIN_SNAPSHOTS)
		return;
	measure_climb(&climb, inquiry);
	double end_s = series->time_s[series->count - 1], next_s = 0;
	for (size_t step = inquiry->survey.first - 1;
	     step + 2 < series->count && series->time_s[step] < inquiry->limits->latest * end_s;
	     step++) {
		if (series->time_s[step] < next_s || !climbs_from(&climb, step))
			continue;
		next_s = series->time_s[step] + STRIDE * end_s;
		from_step.doubt = doubt_from(&climb, step, &from_step);
		from_step.kind = RISE_OF_BACKLOG;
		if (from_step.doubt > rise->doubt)
			*rise = from_step;
		if (rise->doubt == DOUBT_NONE)
			return;
	}
}
