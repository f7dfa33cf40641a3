/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_alarm: is memory about to run out?
 *
 * It is when the share of options.near_limit of the limit that will be met first is in use, and again
 * each time half of the rest is gone: what is written last is near the end, and a process that lives
 * at its limit for weeks is asked for a few snapshots only. Limits are read a second after they were
 * read last, or as soon as what is live has grown by half of the room that was left; in a process
 * in which nothing happens every five seconds, for others share its limit.
 *
 * The kernel's own word for it, pressure stall information, comes without looking.
 *
 *   Runs in   the helper; the target with --snapshots-by=inline, without word of pressure
 *   Locks     none of its own
 *   Memory    static
 *   Calls     what memory_limit reads; openat, write, close
 *   Failure   limits that cannot be read are none; without pressure the limits remain
 */
#include "lib/control/memory_alarm.h"

#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define SECOND_NS 1000000000ull
#define LOOK_PAUSE_NS SECOND_NS
#define IDLE_PAUSE_NS (5 * SECOND_NS)
#define PRESSURE_PAUSE_NS (10 * SECOND_NS)
/* The kernel takes 0.2 ms to begin and end its watch: too much for a command that is over by then. */
#define PRESSURE_PATIENCE_NS SECOND_NS

/* In 1/1000 of the limit, as options.near_limit. */
#define WHOLE 1000u
#define LEAST_STEP 10u
/* So far below the first alarm is the danger over, and the next one is the first again. */
#define RELIEF 50u

/* Tasks that waited for memory for 200 ms of 2 s; who has no rights may ask for multiples of 2 s only
 * (Documentation/accounting/psi.rst). */
#define PRESSURE_TRIGGER "some 200000 2000000"

static uint64_t alarm_share;	     /* at which the next one is due */
static uint64_t look_ns, look_bytes; /* not before that time, unless as much is live */
static uint64_t live_at_look;
static uint64_t pressure_ns; /* when one was due for it, and no sooner than that again */
static bool is_pressing;
static uint64_t pressure_asked_ns; /* the kernel is not asked before; 0: it has been */
static int pressure_fd;

void memory_alarm_start(uint64_t now_ns)
{
	alarm_share = options.near_limit;
	look_ns = look_bytes = live_at_look = pressure_ns = 0;
	is_pressing = false;
	pressure_asked_ns = now_ns + PRESSURE_PATIENCE_NS;
	pressure_fd = -1;
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
	bool is_met;

	if (used + RELIEF < options.near_limit)
		alarm_share = options.near_limit;
	is_met = limit->kind != SEEP_LIMIT_UNKNOWN && used >= alarm_share;
	if (is_met)
		alarm_share = used + (rest > LEAST_STEP ? rest : LEAST_STEP);
	room = alarm_share > used ? (alarm_share - used) * (limit->bytes / WHOLE) : 0;
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

static int open_trigger(const char *path)
{
	long file = sys_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);

	/* The zero byte at its end belongs to it. */
	if (file >= 0 && sys_call(SYS_write, file, PRESSURE_TRIGGER, sizeof(PRESSURE_TRIGGER)) !=
				 sizeof(PRESSURE_TRIGGER)) {
		sys_call(SYS_close, file);
		file = -1;
	}
	return (int)file;
}

int memory_alarm_pressure(uint64_t now_ns)
{
	if (options.near_limit == OPTIONS_NO_LIMIT)
		return -1;
	if (pressure_asked_ns != 0 && now_ns >= pressure_asked_ns) {
		pressure_asked_ns = 0;
		pressure_fd = open_trigger("/proc/pressure/memory");
	}
	return pressure_fd;
}

void memory_alarm_lose_pressure(void)
{
	sys_call(SYS_close, pressure_fd);
	pressure_fd = -1;
}

void memory_alarm_note_pressure(void)
{
	is_pressing = true;
}
