/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: a simple rule, in the order in which it asks.
 *
 *   1. Are there enough snapshots?                             no: unfreed, if blocks are left
 *   2. Do the aged blocks rise? (Mann-Kendall)                 no: see 7
 *      Or, where the number of blocks does not change, do the bytes rise? A buffer that realloc
 *      makes longer and longer is always young.
 *   3. Do those that were aged a while ago still live?         no: traffic with long lives; see 7
 *   4. Does the rise slow down?                                yes: saturating, or plateau when
 *                                                              nothing was added lately
 *   5. Did many birth periods leave something behind?          no: it rose in steps: growing
 *   6. Are 2 to 5 beyond doubt?                                yes: leak; no: growing
 *   7. Does it come and go in time with itself: periodic. Did it rise before: plateau. Else stable.
 *
 * Why aged blocks: a test of live bytes takes traffic for growth and start-up for a leak; Machida
 * et al. ("On the Effectiveness of Mann-Kendall Test for Detection of Software Aging", ISSREW 2013)
 * found it "highly vulnerable to false positives". Rates are Theil-Sen slopes with Sen's 95%
 * interval, see trend.c.
 */
#include "tools/model/verdict.h"

#include <math.h>

#include "tools/model/profile.h"
#include "tools/model/site_series.h"
#include "tools/model/trend.h"

#define MIN_STEPS 6
#define Z_RISES 1.645 /* one-sided 5 % */
#define Z_LEAKS 2.326 /* one-sided 1 % */
#define MIN_SURVIVAL 0.4
#define MIN_GENERATIONS 0.15
#define MIN_ADDITIONS 3
#define SLOWED_TO 0.6	   /* of the rate in the first half … */
#define Z_SLOWS (-1.282)   /* … and the additions fall, one-sided 10 % */
#define STOPPED_BELOW 0.05 /* of the growth came in the last third */
#define MIN_LOAD 1000	   /* allocations of other sites that make a clock */
#define SECONDS_PER_HOUR 3600.0

/* The series that was found to rise, from the judged window on. */
struct rise {
	bool is_of_live_bytes; /* else of aged blocks */
	const double *values, *times, *load;
	size_t count;
	struct trend_test test;
};

/* Blocks that are aged at a step were born at least age_steps before it, so their growth belongs to
 * the clocks of that earlier step. The difference matters where snapshots become rarer. */
static struct rise rise_of(const struct site_series *series, const double *values, bool is_aged)
{
	size_t window = series->window, born = is_aged ? window - series->age_steps : window;
	struct rise rise = {
		.is_of_live_bytes = !is_aged,
		.values = values + window,
		.times = series->time_s + born,
		.load = series->others + born,
		.count = series->count - window,
	};
	rise.test = trend_mann_kendall(rise.values, rise.count);
	return rise;
}

/* A site of few blocks must keep their number, one of many may vary by a tenth. */
static bool block_count_is_constant(const struct site_series *series)
{
	double least = INFINITY, most = 0;
	for (size_t i = series->window; i < series->count; i++) {
		least = fmin(least, series->live_blocks[i]);
		most = fmax(most, series->live_blocks[i]);
	}
	return most > 0 && most - least <= floor(most / 10);
}

static struct rise find_rise(const struct site_series *series)
{
	struct rise aged = rise_of(series, series->aged_blocks, true);
	if (aged.test.z >= Z_RISES || !block_count_is_constant(series))
		return aged;
	struct rise bytes = rise_of(series, series->live_bytes, false);
	return bytes.test.z > aged.test.z ? bytes : aged;
}

/*
 * The share of the blocks that were born in the window, and aged a quarter of the run ago, that is
 * still there. Long sessions and caches lose most of them, a leak loses none.
 *
 * The target merges old epochs, so blocks of the window can hide in a cohort that begins before it.
 * Therefore the deaths among all blocks up to the same birth are looked at too, and the better of
 * the two counts.
 */
static double survival_of(const struct site_series *series, const struct profile *profile,
			  const struct site *site)
{
	size_t last = series->count - 1, wait = series->count / 4 > 2 ? series->count / 4 : 2;
	if (last < wait + series->age_steps)
		return 0.5;
	size_t then = last - wait;
	uint32_t after =
		profile->snapshots[series->snapshots[series->window - series->age_steps]].epoch;
	uint32_t until = profile->snapshots[series->snapshots[then - series->age_steps]].epoch;
	if (until <= after)
		return 0.5;

	size_t now_index = series->snapshots[last], then_index = series->snapshots[then];
	double born = site_blocks_born(site, then_index, after, until);
	if (!born)
		return 0.5; /* it began later: nothing can be said */
	/* Laplace's rule: neither certainty from a handful of blocks. */
	double left = site_blocks_born(site, now_index, after, until);
	double survival = (left + 0.5) / (born + 1);
	double deaths = site_blocks_born(site, then_index, 0, until) -
			site_blocks_born(site, now_index, 0, until);
	double other = (born - deaths + 0.5) / (born + 1);
	return fmin(1, fmax(survival, other));
}

static double last_of(const double *values, size_t count)
{
	return values[count - 1];
}

/* Are the additions of the second half of the clock clearly smaller than those of the first? */
static bool slows_down(const struct rise *rise, const double *clock, double *z)
{
	double start = clock[0], end = last_of(clock, rise->count);
	size_t middle = 0;
	while (middle + 2 < rise->count && clock[middle] < start + (end - start) / 2)
		middle++;
	double first_rate = (rise->values[middle] - rise->values[0]) / (clock[middle] - start);
	double second_rate =
		(last_of(rise->values, rise->count) - rise->values[middle]) / (end - clock[middle]);

	double rates[SERIES_MAX_STEPS];
	size_t count = 0;
	for (size_t i = 1; i < rise->count; i++)
		if (clock[i] > clock[i - 1])
			rates[count++] =
				(rise->values[i] - rise->values[i - 1]) / (clock[i] - clock[i - 1]);
	*z = trend_mann_kendall(rates, count).z;
	return second_rate < SLOWED_TO * first_rate && *z < Z_SLOWS;
}

static double growth_of(const struct rise *rise)
{
	return last_of(rise->values, rise->count) - rise->values[0];
}

static bool has_stopped(const struct rise *rise)
{
	double start = rise->times[0], end = last_of(rise->times, rise->count);
	size_t lately = 0;
	while (lately + 2 < rise->count && rise->times[lately] < start + (end - start) * 2 / 3)
		lately++;
	return last_of(rise->values, rise->count) - rise->values[lately] <=
	       STOPPED_BELOW * growth_of(rise);
}

static size_t additions_of(const struct rise *rise)
{
	size_t additions = 0;
	for (size_t i = 1; i < rise->count; i++)
		additions += rise->values[i] > rise->values[i - 1];
	return additions;
}

/* How many more snapshots with the same trend would make it certain. */
static unsigned snapshots_needed(const struct site_series *series, const struct rise *rise)
{
	double n = (double)rise->count, tau = rise->test.s / (n * (n - 1) / 2);
	for (double more = 0; more < 1000 && tau > 0; more++) {
		double m = n + more;
		double s = tau * m * (m - 1) / 2, variance = m * (m - 1) * (2 * m + 5) / 18;
		if ((s - 1) / sqrt(variance) < Z_LEAKS)
			continue;
		/* Only a part of all snapshots is judged. When the trend is certain already, other
		 * doubts remain, and a quarter more may settle them. */
		double total = more * (double)series->count / n;
		return (unsigned)ceil(fmax(total, more > 0 ? 1 : (double)series->count / 4));
	}
	return 1000;
}

static enum verdict judge_rise(const struct rise *rise, double survival, double *confidence)
{
	double z_time, z_load;
	double load = last_of(rise->load, rise->count) - rise->load[0];
	bool slows = slows_down(rise, rise->times, &z_time);
	bool stopped = has_stopped(rise);
	*confidence = trend_probability(rise->test.z);

	if (slows) {
		/* Less growth because there was less to do is no slowing down. */
		bool has_load = load >= MIN_LOAD && load >= 10 * growth_of(rise);
		bool is_idle = has_load && !rise->is_of_live_bytes &&
			       !slows_down(rise, rise->load, &z_load);
		if (!is_idle) {
			*confidence = trend_probability(-z_time);
			return stopped ? VERDICT_PLATEAU : VERDICT_SATURATING;
		}
		if (stopped) {
			*confidence /= 2;
			return VERDICT_GROWING;
		}
	}

	size_t additions = additions_of(rise);
	bool in_many_periods = additions >= MIN_ADDITIONS &&
			       (double)additions >= MIN_GENERATIONS * (double)(rise->count - 1);
	if (!in_many_periods && stopped)
		return VERDICT_PLATEAU;
	if (in_many_periods && rise->test.z >= Z_LEAKS && growth_of(rise) > 0) {
		*confidence *= fmin(1, survival / (2 * MIN_SURVIVAL));
		return VERDICT_LEAK;
	}
	*confidence /= 2;
	return VERDICT_GROWING;
}

/* Rises and falls by half of its range, at least twice each, and each value close to the next:
 * a wave and not noise. */
static bool is_periodic(const struct site_series *series)
{
	double least = INFINITY, most = 0;
	for (size_t i = 0; i < series->count; i++) {
		least = fmin(least, series->live_blocks[i]);
		most = fmax(most, series->live_blocks[i]);
	}
	double swing = (most - least) / 2;
	if (most - least < most / 2 || most - least < 4)
		return false;

	unsigned turns = 0;
	bool is_up = false;
	double turn = series->live_blocks[0];
	for (size_t i = 1; i < series->count; i++) {
		double value = series->live_blocks[i];
		if (is_up ? value <= turn - swing : value >= turn + swing) {
			turns++;
			is_up = !is_up;
			turn = value;
		} else if (is_up ? value > turn : value < turn) {
			turn = value;
		}
	}
	return turns >= 4 && trend_autocorrelation(series->live_blocks, series->count) >= 0.3;
}

static double mean_of(const double *values, size_t from, size_t to)
{
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += values[i];
	return to > from ? sum / (double)(to - from) : 0;
}

/* Most of what is there now came before the window: it grew, then stopped. */
static bool grew_before(const struct site_series *series)
{
	size_t early = series->count / 6 > 1 ? series->count / 6 : 1;
	double now = mean_of(series->live_bytes, series->window, series->count);
	double then = mean_of(series->live_bytes, 0, early);
	double last = series->live_bytes[series->count - 1];
	return now > 0 && last > now / 2 && then < now * 2 / 3;
}

static enum verdict judge_level(const struct site_series *series, double z, double *confidence)
{
	*confidence = 1 - fmax(0, 2 * trend_probability(z) - 1);
	if (is_periodic(series))
		return VERDICT_PERIODIC;
	return grew_before(series) ? VERDICT_PLATEAU : VERDICT_STABLE;
}

/* A rate per hour; 0 where the interval does not exclude that nothing happens. */
static double rate_of(struct trend_slope slope)
{
	bool may_be_zero = slope.low <= 0 && slope.high >= 0;
	return may_be_zero ? 0 : slope.per_unit * SECONDS_PER_HOUR;
}

static struct growth measure_growth(const struct site_series *series, const struct rise *rise)
{
	struct growth growth = {.time_to_limit_s = NAN};
	struct rise bytes = rise->is_of_live_bytes ? rise_of(series, series->live_bytes, false)
						   : rise_of(series, series->aged_bytes, true);
	if (bytes.test.variance > 0) {
		struct trend_slope slope =
			trend_theil_sen(bytes.times, bytes.values, bytes.count, &bytes.test);
		growth.bytes_per_hour = rate_of(slope);
		growth.bytes_per_hour_ci95[0] = slope.low * SECONDS_PER_HOUR;
		growth.bytes_per_hour_ci95[1] = slope.high * SECONDS_PER_HOUR;
	}
	if (!rise->is_of_live_bytes && rise->test.variance > 0)
		growth.blocks_per_hour = rate_of(
			trend_theil_sen(rise->times, rise->values, rise->count, &rise->test));
	return growth;
}

/* Shifted as in rise_of. */
static double since_of(const struct site_series *series, const struct rise *rise)
{
	if (rise->is_of_live_bytes)
		return series
			->time_s[trend_kink(series->time_s, series->live_bytes, series->count)];
	size_t age = series->age_steps;
	size_t kink =
		trend_kink(series->time_s + age, series->aged_blocks + age, series->count - age);
	return series->time_s[kink];
}

/* How soon it hurts. A gibibyte per hour fills a common machine within a shift; 64 MiB per hour
 * make 1.5 GiB a day, 1 MiB per hour 0.7 GiB a month. */
static enum severity severity_of(double bytes_per_hour)
{
	if (bytes_per_hour >= 1024.0 * 1048576.0)
		return SEVERITY_CRITICAL;
	if (bytes_per_hour >= 64 * 1048576.0)
		return SEVERITY_HIGH;
	return bytes_per_hour >= 1048576.0 ? SEVERITY_MEDIUM : SEVERITY_LOW;
}

struct judgement verdict_judge(const struct profile *profile, const struct site *site, size_t first,
			       size_t last)
{
	struct judgement judgement = {
		.verdict = VERDICT_STABLE,
		.severity = SEVERITY_LOW,
		.growth.time_to_limit_s = NAN,
	};
	if (first > last || last >= profile->snapshot_count)
		return judgement;

	struct site_series series;
	site_series_make(&series, profile, site, first, last);
	if (series.count < MIN_STEPS) {
		const struct site_point *point = site_at(site, last);
		if (point && point->live_blocks)
			judgement.verdict = VERDICT_UNFREED;
		return judgement;
	}

	struct rise rise = find_rise(&series);
	double survival = rise.is_of_live_bytes ? 1 : survival_of(&series, profile, site);
	if (rise.test.z >= Z_RISES && survival >= MIN_SURVIVAL)
		judgement.verdict = judge_rise(&rise, survival, &judgement.confidence);
	else
		judgement.verdict = judge_level(&series, rise.test.z, &judgement.confidence);

	judgement.growth = measure_growth(&series, &rise);
	switch (judgement.verdict) {
	case VERDICT_LEAK:
		judgement.is_flagged = true;
		judgement.severity = severity_of(judgement.growth.bytes_per_hour);
		judgement.growth.since_s = since_of(&series, &rise);
		break;
	case VERDICT_GROWING:
		judgement.snapshots_needed = snapshots_needed(&series, &rise);
		judgement.growth.since_s = since_of(&series, &rise);
		break;
	case VERDICT_SATURATING:
		judgement.growth.since_s = since_of(&series, &rise);
		break;
	default:
		break;
	}
	return judgement;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_STABLE] = "stable",
		[VERDICT_UNFREED] = "unfreed",
		[VERDICT_PERIODIC] = "periodic",
		[VERDICT_PLATEAU] = "plateau",
		[VERDICT_SATURATING] = "saturating",
		[VERDICT_GROWING] = "growing",
		[VERDICT_LEAK] = "leak",
		[VERDICT_LOST] = "lost",
	};
	return names[verdict];
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_LOW] = "low",
		[SEVERITY_MEDIUM] = "medium",
		[SEVERITY_HIGH] = "high",
		[SEVERITY_CRITICAL] = "critical",
	};
	return names[severity];
}
