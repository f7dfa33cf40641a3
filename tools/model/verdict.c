/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: a word for what rise found, with rate, beginning, severity and reasons.
 *
 * Rates are Theil-Sen slopes with Sen's 95 % interval, of what was found to rise: old blocks by the
 * time of their birth, or the length of buffers. See trend.c.
 */
#include "tools/model/verdict.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/backlog.h"
#include "tools/model/cohort_series.h"
#include "tools/model/live_shape.h"
#include "tools/model/profile.h"
#include "tools/model/rise.h"
#include "tools/model/trend.h"

#define MIN_STEPS 6
#define SECONDS_PER_HOUR 3600.0
#define STOPPED_BELOW 0.05 /* of the growth came in the last third of the time */
#define NEARLY_ALL 0.95
#define MAX_NEEDED 1000
#define LEAST_ERROR 1e-3 /* of a pace, however regular it looks */

const struct verdict_limits verdict_limits = {
#define VERDICT_LIMIT(name, value) .name = (value),
	VERDICT_LIMITS(VERDICT_LIMIT)
#undef VERDICT_LIMIT
};

/* ---- the word ---- */

static bool has_stopped(const struct rise *rise)
{
	size_t last = rise->count - 1, late = 0;
	double start = rise->times[0], end = rise->times[last];
	while (late + 1 < last && rise->times[late] < start + (end - start) * 2 / 3)
		late++;
	return rise->values[last] - rise->values[late] <=
	       STOPPED_BELOW * (rise->values[last] - rise->values[0]);
}

static enum verdict level_word(const struct inquiry *inquiry)
{
	if (live_shape_is_periodic(inquiry->series))
		return VERDICT_PERIODIC;
	return live_shape_grew_before(inquiry->series, inquiry->survey.first) ? VERDICT_PLATEAU
									      : VERDICT_STABLE;
}

/* No leak comes so slowly. "Saturating" is taken for an all-clear, so it is not said of what only may be slower
 * than in the beginning. */
static bool is_too_slow(const struct verdict_limits *limits, const struct rise *rise)
{
	return rise->has_ended ||
	       (rise->pace.decline > limits->slowest && rise_is_slower(limits, rise->pace));
}

/* That what is added keeps its pace, or slows down no more than a leak may. */
static double keeps_pace(const struct verdict_limits *limits, const struct rise *rise)
{
	double error = fmax(rise->pace.error, LEAST_ERROR);
	return trend_probability((limits->slowest - rise->pace.decline) / error);
}

static double confidence_in(const struct verdict_limits *limits, const struct rise *rise,
			    enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAK:
		return fmin(trend_probability(rise->z), keeps_pace(limits, rise)) *
		       fmin(1, rise->kept / NEARLY_ALL);
	case VERDICT_GROWING:
		return fmin(trend_probability(rise->z), keeps_pace(limits, rise)) / 2;
	case VERDICT_SATURATING:
		return trend_probability(rise->pace.decline / fmax(rise->pace.error, LEAST_ERROR));
	default:
		/* Nothing accumulates; how sure that is, is how little speaks for it. */
		return rise->doubt == DOUBT_NOTHING_THERE ? 1
		       : rise->doubt == DOUBT_MORTAL	  ? 0.95
							  : 0.8;
	}
}

static enum verdict word_for(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct verdict_limits *limits = inquiry->limits;
	switch (rise->doubt) {
	case DOUBT_NONE:
		return confidence_in(limits, rise, VERDICT_LEAK) < limits->confidence
			       ? VERDICT_GROWING
			       : VERDICT_LEAK;
	case DOUBT_VAGUE:
		return has_stopped(rise) ? VERDICT_PLATEAU : VERDICT_GROWING;
	case DOUBT_SLOWS:
		if (has_stopped(rise))
			return VERDICT_PLATEAU;
		return is_too_slow(limits, rise) ? VERDICT_SATURATING : VERDICT_GROWING;
	case DOUBT_RISES:
		return VERDICT_GROWING;
	default:
		return level_word(inquiry);
	}
}

/* How many more snapshots like those until now would settle what is open. */
static unsigned snapshots_needed(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct verdict_limits *limits = inquiry->limits;
	double count = (double)inquiry->series->count, factor = 1.1;
	/* What slows down like 1/t comes half as fast when as much time has passed again. */
	if (rise->doubt == DOUBT_SLOWS || rise->doubt == DOUBT_RISES)
		factor = 2;
	factor = fmax(factor, VERDICT_MIN_SNAPSHOTS / count);
	if ((double)rise->positive < limits->periods)
		factor = fmax(factor, limits->periods / fmax(1, (double)rise->positive));
	/* The error of the pace falls with the root of what is seen. */
	double error = rise->pace.error / limits->decline_error;
	if (error > 1)
		factor = fmax(factor, isfinite(error) ? error * error : 2);
	return (unsigned)fmin(MAX_NEEDED, ceil(count * (factor - 1)));
}

/* ---- rate, beginning, severity ---- */

/* A rate per hour; 0 where the interval does not exclude that nothing happens. */
static double rate_of(struct trend_slope slope)
{
	bool may_be_zero = slope.low <= 0 && slope.high >= 0;
	return may_be_zero ? 0 : slope.per_unit * SECONDS_PER_HOUR;
}

static struct trend_slope slope_of(const double *times, const double *values, size_t count)
{
	struct trend_test test = trend_mann_kendall(values, count);
	return trend_theil_sen(times, values, count, &test);
}

static void measure_growth(const struct inquiry *inquiry, const struct rise *rise,
			   struct growth *growth)
{
	const struct cohort_series *series = inquiry->series;
	double bytes[SERIES_MAX_STEPS];
	struct trend_slope slope;
	if (rise->kind == RISE_OF_BACKLOG) {
		const double *live_bytes = series->live_bytes + series->count - rise->count;
		growth->blocks_per_hour = rate_of(slope_of(rise->times, rise->values, rise->count));
		slope = slope_of(rise->times, live_bytes, rise->count);
		/* What lies before a later step has been left out because it says nothing. */
		bool is_of_all = rise->count == series->count - inquiry->survey.first + 1;
		growth->since_s =
			is_of_all ? series->time_s[trend_kink(series->time_s, series->live_blocks,
							      series->count)]
				  : rise->times[0];
	} else if (rise->kind != RISE_OF_SURVIVORS) {
		slope = slope_of(rise->times, rise->values, rise->count);
		growth->since_s = series->time_s[trend_kink(series->time_s, series->live_bytes,
							    series->count)];
	} else {
		growth->blocks_per_hour = rate_of(slope_of(rise->times, rise->values, rise->count));
		for (size_t i = 0; i < rise->count; i++) {
			size_t step = rise->survivors.start + i;
			size_t birth = survivors_birth_step(&rise->survivors, step);
			bytes[i] = series->bytes[step][birth];
		}
		slope = slope_of(rise->times, bytes, rise->count);
		/* What the last step still has of each birth: start-up is not left out here. */
		size_t last = series->count - 1;
		size_t kink = trend_kink(series->time_s, series->blocks[last], rise->survivors.end);
		growth->since_s = series->time_s[kink];
	}
	growth->bytes_per_hour = rate_of(slope);
	growth->bytes_per_hour_ci95[0] = slope.low * SECONDS_PER_HOUR;
	growth->bytes_per_hour_ci95[1] = slope.high * SECONDS_PER_HOUR;
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

void verdict_set_limit(struct judgement *judgement, double used_bytes, double limit_bytes)
{
	double rate = judgement->growth.bytes_per_hour;
	if (!(rate > 0) || !(limit_bytes > 0))
		return;
	double hours = fmax(0, limit_bytes - used_bytes) / rate;
	judgement->growth.time_to_limit_s = hours * SECONDS_PER_HOUR;
	if (!judgement->is_flagged)
		return;
	/* Within a shift, a weekend, a month between restarts. */
	enum severity by_time = hours <= 8	   ? SEVERITY_CRITICAL
				: hours <= 3 * 24  ? SEVERITY_HIGH
				: hours <= 30 * 24 ? SEVERITY_MEDIUM
						   : SEVERITY_LOW;
	if (by_time > judgement->severity)
		judgement->severity = by_time;
}

/* ---- the reasons ---- */

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* By which age nearly all that were freed at all had been freed. */
static double freed_within(const struct inquiry *inquiry, double births, double kept)
{
	struct survivors at;
	for (size_t i = 0; i < RISE_AGE_COUNT; i++) {
		if (!survivors_at(&at, &inquiry->survey, rise_ages[i]))
			break;
		if (births - at.arrived >= NEARLY_ALL * (births - kept))
			return at.age_s;
	}
	return NAN;
}

static struct verdict_evidence evidence_of(const struct inquiry *inquiry, const struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	bool has_pace = rise->doubt > DOUBT_REPLACED; /* else nobody has asked for it */
	struct verdict_evidence evidence = {
		.is_of_length = rise->kind == RISE_OF_LENGTH || rise->kind == RISE_OF_CHUNKS,
		.is_of_chunks = rise->kind == RISE_OF_CHUNKS,
		.is_of_backlog = rise->kind == RISE_OF_BACKLOG,
		.periods = (unsigned)rise->amounts,
		.periods_that_kept = (unsigned)rise->positive,
		.freed_within_s = NAN,
		.kept_lately = rise->kept,
		.clock = has_pace ? rise->clock : CLOCK_TIME,
		.decline = has_pace ? rise->pace.decline : NAN,
		.decline_error = has_pace ? rise->pace.error : NAN,
		.drift_p = trend_probability(-rise->z),
	};
	if (rise->kind != RISE_OF_SURVIVORS)
		return evidence;
	const struct survivors *of = &rise->survivors;
	double kept[SERIES_MAX_STEPS], all = 0;
	size_t count = 0;
	for (size_t period = of->first; period < of->end; period++) {
		double left = of->kept[period - of->first];
		all += left;
		if (left > 0)
			kept[count++] = left;
	}
	qsort(kept, count, sizeof(*kept), compare_doubles);
	if (count) {
		evidence.kept_low = kept[count / 4];
		evidence.kept_high = kept[count - 1 - count / 4];
	}
	evidence.age_s = of->age_s;
	evidence.births = series->births[of->end - 1] - series->births[of->first - 1];
	evidence.freed = fmax(0, evidence.births - all);
	if (evidence.freed > 0)
		evidence.freed_within_s = freed_within(inquiry, evidence.births, all);
	return evidence;
}

/* ---- all ---- */

struct judgement verdict_judge_series(const struct cohort_series *series,
				      const struct verdict_limits *limits)
{
	struct judgement judgement = {
		.verdict = VERDICT_STABLE,
		.severity = SEVERITY_LOW,
		.growth.time_to_limit_s = NAN,
		.evidence = {.drift_p = NAN, .freed_within_s = NAN},
	};
	if (!series->count)
		return judgement;
	if (series->count < MIN_STEPS) {
		if (series->live_blocks[series->count - 1] > 0)
			judgement.verdict = VERDICT_UNFREED;
		return judgement;
	}

	struct inquiry inquiry = rise_inquire(series, limits ? limits : &verdict_limits);
	struct rise rise, length, steps, backlog;
	const struct rise *foremost = &rise;
	rise = (struct rise){.doubt = DOUBT_NOTHING_THERE};
	if (inquiry.births >= 2)
		rise_find_survivors(&inquiry, &rise);
	if (rise.doubt != DOUBT_NONE) {
		rise_find_length(&inquiry, &length);
		if (length.doubt > foremost->doubt)
			foremost = &length;
	}
	if (foremost->doubt != DOUBT_NONE) {
		rise_find_steps(&inquiry, &steps);
		if (steps.doubt > foremost->doubt)
			foremost = &steps;
	}
	/* Where it is known what is kept, that counts; but a table that has filled is no all-clear for
	 * what rises behind it. */
	if (foremost->doubt <= DOUBT_SLOWS) {
		backlog_find(&inquiry, &backlog);
		if (backlog.doubt == DOUBT_NONE ||
		    (backlog.doubt == DOUBT_RISES &&
		     word_for(&inquiry, foremost) != VERDICT_GROWING))
			foremost = &backlog;
	}

	judgement.verdict = word_for(&inquiry, foremost);
	judgement.confidence = confidence_in(inquiry.limits, foremost, judgement.verdict);
	if (foremost->doubt > DOUBT_MORTAL)
		judgement.evidence = evidence_of(&inquiry, foremost);
	else if (inquiry.births >= inquiry.limits->periods)
		judgement.evidence.drift_p = 1;
	switch (judgement.verdict) {
	case VERDICT_LEAK:
		judgement.is_flagged = true;
		measure_growth(&inquiry, foremost, &judgement.growth);
		judgement.severity = severity_of(judgement.growth.bytes_per_hour);
		break;
	case VERDICT_GROWING:
		judgement.evidence.is_slowing = foremost->doubt == DOUBT_SLOWS;
		judgement.snapshots_needed = snapshots_needed(&inquiry, foremost);
		measure_growth(&inquiry, foremost, &judgement.growth);
		break;
	case VERDICT_SATURATING:
		measure_growth(&inquiry, foremost, &judgement.growth);
		break;
	default:
		break;
	}
	return judgement;
}

struct judgement verdict_judge(const struct profile *profile, const struct site *site, size_t first,
			       size_t last)
{
	struct cohort_series series;
	series.count = 0; /* to clear all of it would take as long as to judge */
	if (first <= last && last < profile->snapshot_count)
		cohort_series_make(&series, profile, site, first, last);
	return verdict_judge_series(&series, NULL);
}

bool verdict_may_go_on(const struct judgement *judgement)
{
	return judgement->verdict == VERDICT_LEAK ||
	       (judgement->verdict == VERDICT_GROWING && !judgement->evidence.is_slowing);
}

void verdict_withdraw(struct judgement *judgement, size_t snapshot_count)
{
	if (judgement->verdict != VERDICT_LEAK)
		return;
	judgement->verdict = VERDICT_GROWING;
	judgement->is_flagged = false;
	judgement->severity = SEVERITY_LOW;
	judgement->confidence /= 2;
	judgement->snapshots_needed = (unsigned)(snapshot_count / 4 + 1);
}

void verdict_establish(struct judgement *judgement, double confidence)
{
	judgement->verdict = VERDICT_LEAK;
	judgement->is_flagged = true;
	judgement->confidence = confidence;
	judgement->severity = severity_of(judgement->growth.bytes_per_hour);
	judgement->snapshots_needed = 0;
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
