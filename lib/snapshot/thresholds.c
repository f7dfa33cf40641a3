/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thresholds: the settings max_…, compared with each snapshot that was written.
 *
 * A threshold is said to be crossed once, and again only after the value has been below it: a log
 * that repeats itself with each snapshot would tell no more. Whatever a program does, there are at
 * most ALERTS_MAX lines.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    region: a byte a stack, where a site has crossed a threshold; see site_floors
 *   Calls     see snapshot_file
 *   Failure   an alert that cannot be written is tried again with the next snapshot
 */
#include "lib/snapshot/thresholds.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/options.h"
#include "lib/base/region.h"
#include "lib/record/call_tree.h"
#include "lib/snapshot/live_trend.h"
#include "lib/snapshot/site_floors.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define ALERTS_MAX 1024u  /* as the format promises */
#define PATIENCE_PART 60u /* of the time of a rate: before that every program grows */
#define SHARE_OF_ALL 1000u
#define CHUNK 65536u
#define CHUNKS (CALL_TREE_NODES_MAX / CHUNK)

static struct {
	struct live_trend trend;
	uint8_t above;	 /* of the process: a bit for each kind that is above its threshold */
	uint32_t alerts; /* written so far */
} watch;

static uint8_t *sites_above[CHUNKS]; /* by stack: the same of each site */

struct moment {
	const struct seep_snapshot *snapshot;
	uint64_t time_ns;
};

static bool is_old_enough(const struct options_rate *rate, uint64_t time_ns)
{
	return rate->bytes_per_hour != OPTIONS_NO_LIMIT && time_ns >= rate->per_ns / PATIENCE_PART;
}

static bool write_alert(const struct moment *moment, enum seep_alert_kind kind, uint32_t stack,
			uint64_t value, uint64_t limit)
{
	const struct seep_alert alert = {
		.struct_bytes = sizeof(alert),
		.snapshot = moment->snapshot->number,
		.kind = kind,
		.stack = stack,
		.value = value,
		.limit = limit,
	};
	uint64_t needed = sizeof(alert) + sizeof(struct seep_record_header);

	if (watch.alerts == ALERTS_MAX || snapshot_file_bytes() + needed > options.max_file_bytes ||
	    snapshot_file_append(SEEP_RECORD_ALERT, moment->time_ns, &alert, sizeof(alert)) != 0)
		return false;
	watch.alerts++;
	return true;
}

/* What is now known to be above, of what was: `above` with the bit of this kind as it must be. */
static uint8_t compare(const struct moment *moment, uint8_t above, enum seep_alert_kind kind,
		       uint32_t stack, uint64_t value, uint64_t limit)
{
	uint8_t bit = (uint8_t)(1u << kind);

	if (value <= limit)
		return above & (uint8_t)~bit;
	if ((above & bit) != 0 || !write_alert(moment, kind, stack, value, limit))
		return above;
	return above | bit;
}

static void watch_process(const struct moment *moment)
{
	const struct seep_snapshot *snapshot = moment->snapshot;
	uint8_t above = watch.above;

	if (options.max_growth.bytes_per_hour != OPTIONS_NO_LIMIT)
		live_trend_add(&watch.trend, moment->time_ns, snapshot->live_bytes);
	if (is_old_enough(&options.max_growth, moment->time_ns))
		above = compare(moment, above, SEEP_ALERT_GROWTH, 0,
				live_trend_bytes_per_hour(&watch.trend),
				options.max_growth.bytes_per_hour);
	above = compare(moment, above, SEEP_ALERT_LIVE, 0, snapshot->live_bytes,
			options.max_live_bytes);
	/* What has ended is resident no more. */
	if (snapshot->rss_bytes > 0 && snapshot->live_bytes < UINT64_MAX / SHARE_OF_ALL)
		above = compare(moment, above, SEEP_ALERT_HEAP_SHARE, 0,
				snapshot->live_bytes * SHARE_OF_ALL / snapshot->rss_bytes,
				options.max_heap_share);
	watch.above = above;
}

static uint64_t bytes_of(const struct site_totals *totals, uint32_t stack)
{
	uint64_t bytes = 0;

	for (uint32_t index = totals->first_cohort[stack]; index != 0;
	     index = totals->cohorts[index - 1].next)
		bytes += totals->cohorts[index - 1].bytes;
	return bytes;
}

/* Its byte is only asked for once it has something to say. */
static uint8_t site_above(uint32_t stack)
{
	const uint8_t *chunk = sites_above[stack / CHUNK];

	return chunk == NULL ? 0 : chunk[stack % CHUNK];
}

static bool set_site_above(uint32_t stack, uint8_t above)
{
	uint8_t **chunk = &sites_above[stack / CHUNK];

	if (*chunk == NULL)
		*chunk = region_map(CHUNK, REGION_WIPED_ON_FORK);
	if (*chunk == NULL)
		return false;
	(*chunk)[stack % CHUNK] = above;
	return true;
}

static void watch_site(const struct moment *moment, uint32_t stack, uint64_t bytes)
{
	const struct options_rate *rate = &options.max_site_growth;
	uint8_t before = site_above(stack), above = before;

	if (rate->bytes_per_hour != OPTIONS_NO_LIMIT) {
		uint64_t bytes_per_hour;

		if (site_floors_note(stack, bytes, &bytes_per_hour) &&
		    is_old_enough(rate, moment->time_ns))
			above = compare(moment, above, SEEP_ALERT_SITE_GROWTH, stack,
					bytes_per_hour, rate->bytes_per_hour);
	}
	above = compare(moment, above, SEEP_ALERT_SITE_LIVE, stack, bytes,
			options.max_site_live_bytes);
	/* One that cannot be remembered would be said each time. */
	if (above != before && !set_site_above(stack, above))
		watch.alerts = ALERTS_MAX;
}

void thresholds_watch(const struct seep_snapshot *snapshot, const struct site_totals *totals,
		      uint64_t time_ns)
{
	const struct moment moment = {.snapshot = snapshot, .time_ns = time_ns};

	watch_process(&moment);
	if (options.max_site_growth.bytes_per_hour == OPTIONS_NO_LIMIT &&
	    options.max_site_live_bytes == OPTIONS_NO_LIMIT)
		return;
	site_floors_begin(time_ns);
	for (uint32_t stack = 1; stack < totals->stack_count; stack++)
		watch_site(&moment, stack, bytes_of(totals, stack));
}

void thresholds_postfork_child(void)
{
	watch.trend.count = 0;
	watch.trend.spacing_ns = 0;
	watch.above = 0;
	watch.alerts = 0;
	site_floors_forget();
}
