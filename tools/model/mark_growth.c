/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark_growth: does it rise, in nearly every step, and no slower than in the beginning?
 *
 * Two tests, of which the less sure one counts, as for all sites: Mann-Kendall, whose distribution where
 * there is no trend is simple for the few values that there are here (only one of their n! orders rises
 * throughout), and the drift of the changes, which does not take a wandering level for growth. Then the
 * pace of what is added, where the clock is the number of rounds.
 */
#include "tools/model/mark_growth.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/pace.h"
#include "tools/model/verdict.h"

/* Of fewer steps no order is a surprise: three values rise by chance once in six times. */
#define LEAST_STEPS 3
/* Of ten steps one may be none: a mark that came too early or too late. */
#define NEARLY_ALL 0.9
/* The level is judged by so many at least, and by half of them. */
#define LEVEL_STEPS 4
/* When so many events are to be expected and none is seen, that is no chance: exp(-3) is 5 %. */
#define EXPECTED_EVENTS 3
#define LESS_THAN 0.5 /* of what is said to grow */
/* A cache is taken for one when after so many rounds 1/e of its places are free. */
#define FILLED_WITHIN 30.0

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static double chance_of(const double *values, size_t count, bool is_rising_throughout)
{
	double by_rank = is_rising_throughout
				 ? exp(-lgamma((double)count + 1))
				 : trend_probability(-trend_mann_kendall(values, count).z);
	return fmax(by_rank, trend_probability(-trend_drift(values, count)));
}

/* Exactly as much each time, and that is no chance: of amounts with a Poisson distribution so many
 * would be equal to the first less than once in twenty times. */
static bool are_no_chance(const double *amounts, size_t count)
{
	double amount = amounts[0];
	for (size_t i = 1; i < count; i++)
		if (amounts[i] != amount)
			return false;
	double log_of_one = amount * log(amount) - amount - lgamma(amount + 1);
	return amount > 0 && exp(((double)count - 1) * log_of_one) <= 0.05;
}

/* Do the amounts of the steps come as fast as ever? Over a few steps even a cache that fills slows down but
 * a little, so what a leak may seem to decline by is in proportion to them; and it must be sure that it
 * is no cache that is filled after a few dozen rounds. That takes ten to thirty rounds, but where it is
 * exactly as much each time: then that is what a round does. */
static void measure_pace(const double *amounts, struct mark_growth *growth)
{
	const struct verdict_limits *limits = &verdict_limits;
	const double steps = (double)growth->steps;
	double rounds[MARK_SERIES_MAX];
	for (size_t i = 0; i < growth->steps; i++)
		rounds[i] = 1;
	struct pace pace = pace_fit(amounts, rounds, growth->steps);
	if (are_no_chance(amounts, growth->steps))
		pace.error = 0;
	double allowed = limits->decline * fmin(1, steps / VERDICT_MIN_SNAPSHOTS);
	growth->is_slowing = pace.decline > allowed + limits->rise * pace.error;
	growth->keeps_pace =
		!growth->is_slowing && pace.decline + limits->rise * pace.error <=
					       fmin(limits->slowest, steps / FILLED_WITHIN);
	growth->certainty =
		trend_probability((limits->slowest - pace.decline) / fmax(pace.error, 1e-3));
}

/* Asks about the values from `from` on. */
static struct mark_growth ask(const struct mark_series *series, size_t from, bool is_of_length)
{
	const double *values = (is_of_length ? series->bytes : series->blocks) + from;
	const size_t count = series->count - from;
	double amounts[MARK_SERIES_MAX], gains[MARK_SERIES_MAX];
	struct mark_growth growth = {
		.p = NAN,
		.is_of_length = is_of_length,
		.from = from,
		.steps = count ? count - 1 : 0,
	};
	bool has_changed = false;
	for (size_t i = 0; i < growth.steps; i++) {
		double change = values[i + 1] - values[i];
		has_changed |= change != 0;
		amounts[i] = fmax(0, change);
		if (change > 0)
			gains[growth.grew++] = change;
	}
	if (!has_changed)
		return growth;
	growth.p = chance_of(values, count, growth.grew == growth.steps);
	measure_pace(amounts, &growth);
	growth.is_rising = growth.steps >= LEAST_STEPS && growth.grew &&
			   (double)growth.grew >= NEARLY_ALL * (double)growth.steps &&
			   !growth.is_slowing;
	if (!growth.is_rising)
		return growth;
	qsort(gains, growth.grew, sizeof(*gains), compare_doubles);
	growth.low = gains[growth.grew / 4];
	growth.high = gains[growth.grew - 1 - growth.grew / 4];
	return growth;
}

static struct trend_slope slope_of(const struct mark_series *series, const double *values,
				   size_t from)
{
	struct trend_test test = trend_mann_kendall(values + from, series->count - from);
	return trend_theil_sen(series->time_s + from, values + from, series->count - from, &test);
}

struct mark_growth mark_growth_of(const struct mark_series *series)
{
	/* Its length only counts where there are not more of them. */
	bool is_of_length = series->count && series->blocks[series->count - 1] <= series->blocks[0];
	struct mark_growth growth = ask(series, 0, is_of_length);
	size_t middle = series->count / 2;
	/* It may have begun late. Not when it has slowed down: then the late half looks even. */
	if (!growth.is_rising && !growth.is_slowing && series->count - middle > LEVEL_STEPS) {
		struct mark_growth late = ask(series, middle, is_of_length);
		if (late.is_rising) {
			growth = late;
			growth.p = fmin(1, 2 * late.p); /* a second question */
		}
	}
	if (growth.is_rising) {
		growth.blocks = slope_of(series, series->blocks, growth.from);
		growth.bytes = slope_of(series, series->bytes, growth.from);
	}
	return growth;
}

bool mark_growth_contradicts(const struct mark_series *series, const struct growth_claim *claim)
{
	size_t steps = series->count ? series->count - 1 : 0;
	if (steps < LEVEL_STEPS)
		return false;
	size_t from = steps / 2 < LEVEL_STEPS ? steps - LEVEL_STEPS : steps - steps / 2;
	double periods = series->snapshot[steps] - series->snapshot[from];
	if (!(claim->events_per_snapshot * periods >= EXPECTED_EVENTS))
		return false;
	const double *values = claim->is_of_length ? series->bytes : series->blocks;
	double claimed = claim->is_of_length ? claim->bytes_per_s : claim->blocks_per_s;
	double most = slope_of(series, values, from).high;
	return most <= 0 || most < LESS_THAN * claimed;
}
