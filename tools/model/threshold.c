/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold: what somebody has said is too much, and where a run went beyond it.
 *
 * Growth is what the verdict measures: of a site that of blocks that have reached an age, of the
 * process the median slope of its live bytes, as the library has it (lib/snapshot/live_trend.c).
 * What is not sure to rise at all crosses no threshold, however steep a short run makes it look.
 */
#include "tools/model/threshold.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/trend.h"
#include "tools/model/verdict.h"

#define STARTUP_SHARE 0.15
#define HOUR_S 3600.0

void thresholds_clear(struct thresholds *thresholds)
{
	*thresholds = (struct thresholds){.rule_count = 0};
	for (size_t kind = 0; kind < THRESHOLD_KINDS; kind++)
		thresholds->limits[kind] = NAN;
}

static enum threshold_kind kind_of(const struct alert *alert)
{
	return (enum threshold_kind)(alert->raw.kind - SEEP_ALERT_GROWTH);
}

/* An alert's number in the unit of the threshold. */
static double alert_number(const struct alert *alert, uint64_t number)
{
	return alert->raw.kind == SEEP_ALERT_HEAP_SHARE ? (double)number / 1000 : (double)number;
}

struct thresholds thresholds_with_logged(const struct thresholds *thresholds,
					 const struct profile *profile)
{
	struct thresholds all = *thresholds;
	for (size_t i = 0; i < profile->alert_count; i++) {
		const struct alert *alert = &profile->alerts[i];
		if (isnan(all.limits[kind_of(alert)]))
			all.limits[kind_of(alert)] = alert_number(alert, alert->raw.limit);
	}
	return all;
}

bool thresholds_need_symbols(const struct thresholds *thresholds)
{
	return thresholds->rule_count > 0;
}

/* ---- sites ---- */

static bool site_has_function(const struct report_site *site, const char *glob)
{
	for (size_t i = 0; i < site->frame_count; i++)
		if (site->frames[i].function && fnmatch(glob, site->frames[i].function, 0) == 0)
			return true;
	return false;
}

static double limit_for(const struct thresholds *thresholds, const struct report_site *site,
			enum threshold_kind kind)
{
	for (size_t i = 0; i < thresholds->rule_count; i++) {
		const struct threshold_rule *rule = &thresholds->rules[i];
		if (!isnan(rule->limits[kind]) && site_has_function(site, rule->function))
			return rule->limits[kind];
	}
	return thresholds->limits[kind];
}

/* The lowest that any site may have to keep to; NAN or INFINITY for none. */
static double least_limit(const struct thresholds *thresholds, enum threshold_kind kind)
{
	double least = thresholds->limits[kind];
	for (size_t i = 0; i < thresholds->rule_count; i++)
		least = fmin(least, thresholds->rules[i].limits[kind]);
	return least;
}

/* Bytes an hour; 0 for what does not grow, or not surely. */
static double growth_of(const struct report_site *site)
{
	const struct growth *growth = &site->judgement.growth;
	bool may_grow = site->judgement.verdict >= VERDICT_SATURATING;
	return may_grow && growth->bytes_per_hour_ci95[0] > 0 ? growth->bytes_per_hour : 0;
}

bool thresholds_concern_site(const struct report_site *site, const void *thresholds_)
{
	const struct thresholds *thresholds = thresholds_;
	return (double)site->peak_bytes > least_limit(thresholds, THRESHOLD_SITE_LIVE) ||
	       growth_of(site) > least_limit(thresholds, THRESHOLD_SITE_GROWTH);
}

/* ---- the list ---- */

static int add(struct report *report, struct crossing crossing)
{
	/* A power of two is full. */
	size_t count = report->crossing_count;
	if ((count & (count - 1)) == 0) {
		struct crossing *longer = reallocarray(report->crossings, count ? 2 * count : 1,
						       sizeof(*report->crossings));
		if (!longer)
			return -ENOMEM;
		report->crossings = longer;
	}
	report->crossings[report->crossing_count++] = crossing;
	return 0;
}

/* A value above `limit` at one of the moments that are noted one after the other. */
static void note(struct crossing *crossing, double value, double at_s)
{
	if (!(value > crossing->limit))
		return;
	if (isnan(crossing->value) || at_s < crossing->at_s)
		crossing->at_s = at_s;
	crossing->value = fmax(crossing->value, value);
}

/* Snapshots may have been thinned out since; what the program saw at the time counts. */
static void note_alerts(struct crossing *crossing, const struct report *report, uint32_t stack)
{
	const struct profile *profile = report->profile;
	for (size_t i = 0; i < profile->alert_count; i++) {
		const struct alert *alert = &profile->alerts[i];
		if (kind_of(alert) == crossing->kind && alert->raw.stack == stack &&
		    report_covers(report, alert->time_s))
			note(crossing, alert_number(alert, alert->raw.value), alert->time_s);
	}
}

static int check_levels(const struct thresholds *thresholds, struct report *report,
			enum threshold_kind kind)
{
	struct crossing crossing = {
		.kind = kind, .limit = thresholds->limits[kind], .value = NAN, .at_s = NAN};
	for (size_t i = report->first_snapshot; i <= report->last_snapshot; i++) {
		const struct snapshot *snapshot = &report->profile->snapshots[i];
		double value = (double)snapshot->raw.live_bytes;
		if (kind == THRESHOLD_HEAP_SHARE)
			value /= (double)snapshot->raw.rss_bytes;
		if (kind == THRESHOLD_LIVE || snapshot->raw.rss_bytes)
			note(&crossing, value, snapshot->time_s);
	}
	note_alerts(&crossing, report, 0);
	return isnan(crossing.value) ? 0 : add(report, crossing);
}

/* Live bytes over the judged part of the run without its start, at equally spaced moments where
 * there are too many snapshots. Returns how many values there are. */
static size_t live_bytes_of(const struct report *report, double *times, double *values)
{
	const struct snapshot *snapshots = report->profile->snapshots;
	size_t first = report->first_snapshot, last = report->last_snapshot, count = 0;
	double begin = first ? snapshots[first].time_s : 0, end = snapshots[last].time_s;
	begin += STARTUP_SHARE * (end - begin);
	while (first < last && snapshots[first].time_s < begin)
		first++;
	size_t available = last - first + 1, newest = first;
	for (size_t i = 0; i < TREND_MAX_POINTS && i < available; i++) {
		if (available <= TREND_MAX_POINTS) {
			newest = first + i;
		} else {
			double moment = begin + (end - begin) * (double)i / (TREND_MAX_POINTS - 1);
			while (newest < last && snapshots[newest + 1].time_s <= moment)
				newest++;
		}
		if (count && times[count - 1] == snapshots[newest].time_s)
			continue;
		times[count] = snapshots[newest].time_s;
		values[count++] = (double)snapshots[newest].raw.live_bytes;
	}
	return count;
}

static int check_growth(const struct thresholds *thresholds, struct report *report)
{
	double times[TREND_MAX_POINTS], values[TREND_MAX_POINTS];
	size_t count = live_bytes_of(report, times, values);
	if (count < VERDICT_MIN_SNAPSHOTS)
		return 0;
	struct trend_test test = trend_mann_kendall(values, count);
	struct trend_slope slope = trend_theil_sen(times, values, count, &test);
	double limit = thresholds->limits[THRESHOLD_GROWTH];
	if (!(slope.low > 0) || !(slope.per_unit * HOUR_S > limit))
		return 0;
	return add(report, (struct crossing){
				   .kind = THRESHOLD_GROWTH,
				   .value = slope.per_unit * HOUR_S,
				   .limit = limit,
				   .at_s = times[trend_kink(times, values, count)],
			   });
}

static int check_site_growth(const struct thresholds *thresholds, struct report *report,
			     const struct report_site *site)
{
	double limit = limit_for(thresholds, site, THRESHOLD_SITE_GROWTH);
	if (!(growth_of(site) > limit) || report->snapshot_count < VERDICT_MIN_SNAPSHOTS)
		return 0;
	return add(report, (struct crossing){
				   .kind = THRESHOLD_SITE_GROWTH,
				   .site = site,
				   .value = growth_of(site),
				   .limit = limit,
				   .at_s = site->judgement.growth.since_s,
			   });
}

static int check_site_live(const struct thresholds *thresholds, struct report *report,
			   const struct report_site *site)
{
	const struct snapshot *snapshots = report->profile->snapshots;
	struct crossing crossing = {
		.kind = THRESHOLD_SITE_LIVE,
		.site = site,
		.limit = limit_for(thresholds, site, THRESHOLD_SITE_LIVE),
		.value = NAN,
		.at_s = NAN,
	};
	const struct site_point *before = site_at(site->site, report->first_snapshot);
	if (before)
		note(&crossing, (double)before->live_bytes,
		     snapshots[report->first_snapshot].time_s);
	for (uint32_t i = 0; i < site->site->point_count; i++) {
		const struct site_point *point = &site->site->points[i];
		if (point->snapshot > report->first_snapshot &&
		    point->snapshot <= report->last_snapshot)
			note(&crossing, (double)point->live_bytes,
			     snapshots[point->snapshot].time_s);
	}
	note_alerts(&crossing, report, site->stack);
	return isnan(crossing.value) ? 0 : add(report, crossing);
}

int thresholds_check(const struct thresholds *thresholds, struct report *report)
{
	int result = 0;
	size_t count = 0;
	report->crossing_count = 0;
	free(report->crossings);
	report->crossings = NULL;
	if (!report->snapshot_count)
		return 0;
	result = check_growth(thresholds, report);
	if (!result)
		result = check_levels(thresholds, report, THRESHOLD_LIVE);
	if (!result)
		result = check_levels(thresholds, report, THRESHOLD_HEAP_SHARE);
	for (size_t i = 0; !result && i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		site->has_crossed = false;
		if (!thresholds_concern_site(site, thresholds))
			continue;
		count = report->crossing_count;
		result = check_site_growth(thresholds, report, site);
		if (!result)
			result = check_site_live(thresholds, report, site);
		site->has_crossed = report->crossing_count > count;
	}
	return result;
}

const char *threshold_name(enum threshold_kind kind)
{
	static const char *const names[] = {
		[THRESHOLD_GROWTH] = "growth",
		[THRESHOLD_LIVE] = "live",
		[THRESHOLD_HEAP_SHARE] = "heap_share_of_rss",
		[THRESHOLD_SITE_GROWTH] = "site_growth",
		[THRESHOLD_SITE_LIVE] = "site_live",
	};
	return names[kind];
}
