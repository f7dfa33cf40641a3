/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: when the next snapshot is due.
 *
 * Without an interval of the user's, the pause is a sixteenth of the run so far, between 100 ms and
 * 10 minutes: a run of 3 seconds gets some 26 snapshots, one of an hour 140, one of a week 1,000.
 * Live bytes are compared with the growth threshold at every tick; ticks slow down from 50 ms to
 * one second while nothing is allocated, so an idle program is left in peace.
 *
 *   Runs in   the helper; the target with --snapshots-by=inline
 *   Locks     none
 *   Memory    static
 *   Calls     clock_gettime; what memory_alarm calls
 *   Failure   none
 */
#include "lib/control/schedule.h"

#include "lib/base/invariant.h"
#include "lib/base/options.h"
#include "lib/base/run_clock.h"
#include "lib/control/memory_alarm.h"
#include "lib/control/memory_pressure.h"
#include "lib/record/thread_state.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define MS 1000000ull
#define FIRST_PAUSE_NS (100 * MS)
#define LONGEST_PAUSE_NS (600000 * MS)
#define PARTS_OF_RUN 16
#define SHARE_OF_TIME 20 /* snapshots take at most a 20th of it, unless the user wants more */
#define SHORTEST_TICK_NS (50 * MS)
#define LONGEST_TICK_NS (1000 * MS)

static uint64_t started_ns, due_ns, tick_ns, scan_due_ns;
static uint64_t bytes_at_last, allocations_at_tick, duration_at_last_ns;

static uint64_t interval_ns(uint64_t now)
{
	uint64_t pause = (now - started_ns) / PARTS_OF_RUN;

	if (options.interval_ns != 0)
		return options.interval_ns;
	if (pause < SHARE_OF_TIME * duration_at_last_ns)
		pause = SHARE_OF_TIME * duration_at_last_ns;
	return pause < FIRST_PAUSE_NS	  ? FIRST_PAUSE_NS
	       : pause > LONGEST_PAUSE_NS ? LONGEST_PAUSE_NS
					  : pause;
}

void schedule_start(void)
{
	started_ns = run_clock_ns();
	due_ns = started_ns + interval_ns(started_ns);
	tick_ns = SHORTEST_TICK_NS;
	bytes_at_last = 0;
	duration_at_last_ns = 0;
	memory_alarm_start();
	memory_pressure_start(started_ns);
	schedule_scan_taken();
}

bool schedule_scan_is_due(void)
{
	return scan_due_ns != 0 && run_clock_ns() >= scan_due_ns;
}

void schedule_scan_taken(void)
{
	scan_due_ns = options.scan_interval_ns == 0 ? 0 : run_clock_ns() + options.scan_interval_ns;
}

bool schedule_is_due(enum seep_snapshot_reason *reason)
{
	uint64_t now = run_clock_ns(), live_bytes;

	if (now >= due_ns) {
		*reason = SEEP_REASON_INTERVAL;
		return true;
	}
	if (options.growth_bytes == 0 && options.near_limit == OPTIONS_NO_LIMIT)
		return false;
	live_bytes = snapshot_writer_live_bytes();
	if (memory_alarm_is_due(now, live_bytes)) {
		*reason = SEEP_REASON_MEMORY;
		return true;
	}
	*reason = SEEP_REASON_GROWTH;
	return options.growth_bytes != 0 && live_bytes > bytes_at_last &&
	       live_bytes - bytes_at_last >= options.growth_bytes;
}

void schedule_taken(const struct snapshot_result *snapshot)
{
	uint64_t now = run_clock_ns();

	bytes_at_last = snapshot->live_bytes;
	duration_at_last_ns = snapshot->duration_ns;
	/* In step with the clock as long as that is possible, so that intervals are even. */
	if (options.interval_ns != 0 && now >= due_ns && now - due_ns < options.interval_ns)
		due_ns += options.interval_ns;
	else if (now >= due_ns || options.interval_ns == 0)
		due_ns = now + interval_ns(now);
	INVARIANT(started_ns != 0 && due_ns > started_ns, started_ns, due_ns);
}

uint64_t schedule_pause_ns(void)
{
	uint64_t now = run_clock_ns();
	uint64_t next_ns = scan_due_ns != 0 && scan_due_ns < due_ns ? scan_due_ns : due_ns;
	uint64_t left = next_ns > now ? next_ns - now : 0;
	uint64_t allocations = thread_state_sum(COUNT_ALLOCATIONS);

	tick_ns = allocations != allocations_at_tick ? SHORTEST_TICK_NS
		  : tick_ns * 2 < LONGEST_TICK_NS    ? tick_ns * 2
						     : LONGEST_TICK_NS;
	allocations_at_tick = allocations;
	INVARIANT(tick_ns >= SHORTEST_TICK_NS && tick_ns <= LONGEST_TICK_NS, tick_ns, due_ns);
	return left < tick_ns ? left : tick_ns;
}
