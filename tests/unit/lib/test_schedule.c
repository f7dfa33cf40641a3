/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_schedule: when snapshots are taken over seconds, hours and weeks, by a clock of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/options.h"
#include "lib/base/run_clock.h"
#include "lib/control/schedule.h"
#include "lib/record/thread_state.h"
#include "tests/support/lib_life.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define MIB (1ull << 20)

static uint64_t clock_ns;

static uint64_t read_clock(void)
{
	return clock_ns;
}

static void start_at(uint64_t ns, uint64_t interval_ns, uint64_t growth_bytes)
{
	clock_ns = ns;
	options.interval_ns = interval_ns;
	options.growth_bytes = growth_bytes;
	options.near_limit = OPTIONS_NO_LIMIT; /* test_memory_alarm's */
	schedule_start();
}

static bool is_due(enum seep_snapshot_reason expected)
{
	enum seep_snapshot_reason reason = SEEP_REASON_FINAL;

	if (!schedule_is_due(&reason))
		return false;
	assert_int_equal(reason, expected);
	return true;
}

static void taken_in(uint64_t duration_ns, uint64_t live_bytes)
{
	const struct snapshot_result snapshot = {.live_bytes = live_bytes,
						 .duration_ns = duration_ns};

	schedule_taken(&snapshot);
}

static void taken(uint64_t live_bytes)
{
	taken_in(0, live_bytes);
}

static void allocate(uint64_t bytes)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	guard.thread->counts[0][COUNT_ALLOCATIONS]++;
	guard.thread->counts[0][COUNT_ALLOCATED_BYTES] += bytes;
}

static void release(uint64_t bytes)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	guard.thread->counts[0][COUNT_FREED_BYTES] += bytes;
}

/* Snapshots of a run of `length_ns` under a helper that sleeps as it is told. */
static uint32_t snapshots_of(uint64_t length_ns)
{
	uint64_t end = clock_ns + length_ns;
	uint32_t count = 0;

	for (;;) {
		uint64_t pause = schedule_pause_ns();

		/* Never asleep for long, and never without sleep unless something is due. */
		assert_true(pause <= SECOND);
		clock_ns += pause == 0 ? 1 : pause;
		if (clock_ns >= end)
			return count;
		if (is_due(SEEP_REASON_INTERVAL)) {
			count++;
			taken(0);
			assert_false(is_due(SEEP_REASON_INTERVAL));
		}
	}
}

static void lengthens_its_pauses_with_the_run(void **state)
{
	(void)state;
	start_at(5 * HOUR, 0, 0);
	assert_in_range(snapshots_of(3 * SECOND), 23, 28);
	start_at(5 * HOUR, 0, 0);
	assert_in_range(snapshots_of(60 * SECOND), 65, 80);
	start_at(5 * HOUR, 0, 0);
	assert_in_range(snapshots_of(HOUR), 120, 150);
	start_at(5 * HOUR, 0, 0);
	assert_in_range(snapshots_of(7 * 24 * HOUR), 1000, 1200);
}

static void takes_the_first_after_100_ms(void **state)
{
	(void)state;
	start_at(77, 0, 0);
	clock_ns += 99 * MS;
	assert_false(is_due(SEEP_REASON_INTERVAL));
	clock_ns += MS;
	assert_true(is_due(SEEP_REASON_INTERVAL));
	/* It stays due until it is taken. */
	clock_ns += SECOND;
	assert_true(is_due(SEEP_REASON_INTERVAL));
}

static void keeps_the_interval_that_was_wished(void **state)
{
	(void)state;
	start_at(SECOND, 200 * MS, 0);
	assert_in_range(snapshots_of(10 * SECOND), 49, 50);
	start_at(SECOND, 600 * SECOND, 0);
	assert_in_range(snapshots_of(24 * HOUR), 143, 144);
}

/* Each snapshot comes a little late; the intervals do not add that up. */
static void stays_in_step_with_the_clock(void **state)
{
	uint64_t start = SECOND;

	(void)state;
	start_at(start, 100 * MS, 0);
	for (uint64_t i = 1; i <= 100; i++) {
		clock_ns = start + i * 100 * MS - 1;
		assert_false(is_due(SEEP_REASON_INTERVAL));
		clock_ns = start + i * 100 * MS + 30 * MS;
		assert_true(is_due(SEEP_REASON_INTERVAL));
		taken(0);
	}
	/* After a long sleep of the whole machine it does not make up for what it missed. */
	clock_ns += HOUR;
	assert_true(is_due(SEEP_REASON_INTERVAL));
	taken(0);
	assert_false(is_due(SEEP_REASON_INTERVAL));
	clock_ns += 99 * MS;
	assert_false(is_due(SEEP_REASON_INTERVAL));
	clock_ns += MS;
	assert_true(is_due(SEEP_REASON_INTERVAL));
}

/* One that was asked for does not make the next ones come earlier. */
static void is_not_upset_by_snapshots_in_between(void **state)
{
	(void)state;
	start_at(SECOND, SECOND, 0);
	for (int i = 0; i < 9; i++) {
		clock_ns += 100 * MS;
		taken(0);
		assert_false(is_due(SEEP_REASON_INTERVAL));
	}
	clock_ns += 100 * MS;
	assert_true(is_due(SEEP_REASON_INTERVAL));
}

/* A snapshot of a large heap takes long; it shall not become what the processor does most. */
static void takes_a_small_share_of_the_time(void **state)
{
	uint64_t spent = 0;

	(void)state;
	start_at(SECOND, 0, 0);
	for (uint64_t slow = 1 * MS; slow <= 500 * MS; slow *= 2)
		for (int i = 0; i < 10; i++) {
			uint64_t before = clock_ns;

			clock_ns += slow;
			spent += slow;
			taken_in(slow, 0);
			while (!is_due(SEEP_REASON_INTERVAL))
				clock_ns += MS;
			assert_true(clock_ns - before >= 20 * slow);
		}
	assert_true(spent <= (clock_ns - SECOND) / 20);
	/* A long interval that is due anyway does not become longer. */
	start_at(SECOND, 0, 0);
	clock_ns += 16 * HOUR;
	taken_in(SECOND, 0);
	clock_ns += 10 * 60 * SECOND;
	assert_true(is_due(SEEP_REASON_INTERVAL));
	/* Who asks for an interval gets it. */
	start_at(SECOND, 50 * MS, 0);
	taken_in(SECOND, 0);
	clock_ns += 50 * MS;
	assert_true(is_due(SEEP_REASON_INTERVAL));
}

static void comes_when_live_bytes_have_grown(void **state)
{
	(void)state;
	start_at(SECOND, HOUR, 10 * MIB);
	taken(0);
	allocate(10 * MIB - 1);
	assert_false(is_due(SEEP_REASON_GROWTH));
	allocate(1);
	assert_true(is_due(SEEP_REASON_GROWTH));
	taken(10 * MIB);
	assert_false(is_due(SEEP_REASON_GROWTH));
	/* From the state at the last snapshot, not from the lowest since. */
	release(8 * MIB);
	allocate(17 * MIB);
	assert_false(is_due(SEEP_REASON_GROWTH));
	allocate(MIB);
	assert_true(is_due(SEEP_REASON_GROWTH));
	/* When the interval is over as well, that is the reason. */
	clock_ns += HOUR;
	assert_true(is_due(SEEP_REASON_INTERVAL));
	release(20 * MIB);
}

static void does_not_look_at_growth_when_it_is_off(void **state)
{
	(void)state;
	start_at(SECOND, HOUR, 0);
	allocate(1ull << 40);
	assert_false(is_due(SEEP_REASON_GROWTH));
	release(1ull << 40);
}

static void lets_an_idle_program_sleep(void **state)
{
	uint64_t pause = 0;

	(void)state;
	start_at(SECOND, HOUR, 64 * MIB);
	allocate(1);
	assert_int_equal(schedule_pause_ns(), 50 * MS);
	for (int i = 0; i < 10; i++) {
		uint64_t next = schedule_pause_ns();

		assert_true(next >= pause);
		pause = next;
	}
	assert_int_equal(pause, SECOND);
	allocate(1);
	assert_int_equal(schedule_pause_ns(), 50 * MS);
	/* Never past what is due. */
	clock_ns += HOUR - 10 * MS;
	assert_int_equal(schedule_pause_ns(), 10 * MS);
	clock_ns += 20 * MS;
	assert_int_equal(schedule_pause_ns(), 0);
}

static void scans_come_a_whole_interval_after_each_other(void **state)
{
	(void)state;
	options.scan_interval_ns = 0;
	start_at(HOUR, HOUR, 0);
	clock_ns += 100 * HOUR;
	assert_false(schedule_scan_is_due());
	options.scan_interval_ns = 5 * SECOND;
	start_at(HOUR, HOUR, 0);
	assert_false(schedule_scan_is_due());
	/* Whoever waits for the next snapshot wakes up in time for a scan. */
	clock_ns += 5 * SECOND - 10 * MS;
	assert_false(schedule_scan_is_due());
	assert_true(schedule_pause_ns() <= 10 * MS);
	clock_ns += 10 * MS;
	assert_true(schedule_scan_is_due());
	/* Also where one takes longer than that. */
	clock_ns += 20 * SECOND;
	schedule_scan_taken();
	assert_false(schedule_scan_is_due());
	clock_ns += 5 * SECOND;
	assert_true(schedule_scan_is_due());
	options.scan_interval_ns = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_first_after_100_ms),
		cmocka_unit_test(lengthens_its_pauses_with_the_run),
		cmocka_unit_test(keeps_the_interval_that_was_wished),
		cmocka_unit_test(stays_in_step_with_the_clock),
		cmocka_unit_test(is_not_upset_by_snapshots_in_between),
		cmocka_unit_test(takes_a_small_share_of_the_time),
		cmocka_unit_test(comes_when_live_bytes_have_grown),
		cmocka_unit_test(does_not_look_at_growth_when_it_is_off),
		cmocka_unit_test(lets_an_idle_program_sleep),
		cmocka_unit_test(scans_come_a_whole_interval_after_each_other),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}

/* The file under test, with our clock; last, for it forbids names that cmocka's macros use. */
#define run_clock_ns read_clock
#include "lib/control/schedule.c"
