/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_alarm: is memory about to run out?
 *
 * It is when the share of options.near_limit of the limit that will be met first is in use, and again
 * each time half of the rest is gone: what is written last is near the end, and a process that lives
 * at its limit for weeks is asked for a few snapshots only. Limits are read a second after they were
 * read last, or as soon as what is live has grown by half of the room that was left; in a process
 * in which nothing happens every five seconds, for others share its limit. Which one is met first may
 * change from look to look, so each kind has its own next alarm.
 *
 *   Runs in   the helper; the target with --snapshots-by=inline
 *   Locks     none of its own
 *   Memory    static
 *   Calls     what memory_limit reads
 *   Failure   limits that cannot be read are none
 */
#include "lib/control/memory_alarm.h"

#include "lib/base/options.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define SECOND_NS 1000000000ull
#define LOOK_PAUSE_NS SECOND_NS
#define IDLE_PAUSE_NS (5 * SECOND_NS)
#define PRESSURE_PAUSE_NS (10 * SECOND_NS)

/* In 1/1000 of the limit, as options.near_limit. */
#define WHOLE 1000u
#define LEAST_STEP 10u
/* So far below the first alarm is the danger over, and the next one is the first again. */
#define RELIEF 50u

#define KIND_COUNT (SEEP_LIMIT_CGROUP_HIGH + 1)

static uint64_t alarm_share[KIND_COUNT]; /* at which the next one is due */
static uint64_t look_ns, look_bytes;	 /* not before that time, unless as much is live */
static uint64_t live_at_look;
static uint64_t pressure_ns; /* when one was due for it, and no sooner than that again */
static bool is_pressing;

void memory_alarm_start(void)
{
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		alarm_share[kind] = options.near_limit;
	look_ns = look_bytes = live_at_look = pressure_ns = 0;
	is_pressing = false;
}

static uint64_t used_share(const struct memory_limit *limit)
{
	if (limit->kind == SEEP_LIMIT_UNKNOWN)
		return 0;
	return limit->used_bytes >= limit->bytes ? WHOLE
						 : limit->used_bytes / (limit->bytes / WHOLE + 1);
}

bool memory_alarm_judge(const struct memory_limit *limit, uint64_t now_ns, uint64_t live_bytes)
{
	uint64_t used = used_share(limit), rest = (WHOLE - used) / 2, room;
	uint64_t *next = &alarm_share[limit->kind];
	bool is_met;

	if (used + RELIEF < options.near_limit)
		*next = options.near_limit;
	is_met = limit->kind != SEEP_LIMIT_UNKNOWN && used >= *next;
	if (is_met)
		*next = used + (rest > LEAST_STEP ? rest : LEAST_STEP);
	room = *next > used ? (*next - used) * (limit->bytes / WHOLE) : 0;
	look_ns = now_ns + (live_bytes == live_at_look ? IDLE_PAUSE_NS : LOOK_PAUSE_NS);
	look_bytes = limit->kind == SEEP_LIMIT_UNKNOWN ? UINT64_MAX : live_bytes + room / 2;
	live_at_look = live_bytes;
	return is_met;
}

bool memory_alarm_is_due(uint64_t now_ns, uint64_t live_bytes)
{
	struct memory_limit limit;

	if (options.near_limit == OPTIONS_NO_LIMIT)
		return false;
	if (is_pressing && now_ns >= pressure_ns) {
		is_pressing = false;
		pressure_ns = now_ns + PRESSURE_PAUSE_NS;
		return true;
	}
	if (now_ns < look_ns && live_bytes <= look_bytes)
		return false;
	limit = snapshot_writer_limit();
	return memory_alarm_judge(&limit, now_ns, live_bytes);
}

void memory_alarm_note_pressure(void)
{
	is_pressing = true;
}
