/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_alarm: when a snapshot is taken because memory runs out, by a clock and limits of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/options.h"
#include "lib/control/memory_alarm.h"
#include "tests/support/lib_life.h"

#define SECOND 1000000000ull
#define MIB (1ull << 20)
#define LIMIT (1000 * MIB)

static uint64_t clock_ns = SECOND;

static void begin(uint64_t near_limit)
{
	options.near_limit = near_limit;
	memory_alarm_start();
}

/* Is it time, with so much of the limit in use? */
static bool judge_kind(enum seep_limit_kind kind, uint64_t used)
{
	const struct memory_limit limit = {.bytes = LIMIT, .used_bytes = used, .kind = kind};

	clock_ns += SECOND;
	return memory_alarm_judge(&limit, clock_ns, used);
}

static bool judge(uint64_t used)
{
	return judge_kind(SEEP_LIMIT_CGROUP, used);
}

static void comes_again_when_half_of_the_rest_is_gone(void **state)
{
	(void)state;
	begin(900);
	assert_false(judge(890 * MIB));
	assert_true(judge(905 * MIB));
	assert_false(judge(905 * MIB));
	assert_false(judge(950 * MIB));
	assert_true(judge(960 * MIB));
	assert_true(judge(985 * MIB));
	assert_true(judge(998 * MIB));
}

static void a_life_at_the_limit_is_no_stream_of_alarms(void **state)
{
	unsigned count = 0;

	(void)state;
	begin(900);
	for (unsigned i = 0; i < 100000; i++)
		count += judge((880 + i % 121) * MIB);
	assert_in_range(count, 2, 8);
	/* It was over. */
	assert_false(judge(500 * MIB));
	assert_true(judge(920 * MIB));
}

static void no_limit_is_never_near(void **state)
{
	const struct memory_limit none = {.kind = SEEP_LIMIT_UNKNOWN};

	(void)state;
	begin(900);
	assert_false(memory_alarm_judge(&none, clock_ns, 1ull << 40));
	begin(OPTIONS_NO_LIMIT);
	memory_alarm_note_pressure();
	assert_false(memory_alarm_is_due(clock_ns, 0));
}

static void a_full_limit_and_an_empty_one_are_judged(void **state)
{
	(void)state;
	begin(900);
	assert_true(judge(2 * LIMIT));
	assert_false(judge(2 * LIMIT));
	begin(1000);
	assert_false(judge(LIMIT - MIB));
	assert_true(judge(LIMIT));
	const struct memory_limit tiny = {.bytes = 1, .kind = SEEP_LIMIT_CGROUP};
	assert_false(memory_alarm_judge(&tiny, clock_ns, 0));
}

static void pressure_is_one_snapshot_in_ten_seconds(void **state)
{
	unsigned count = 0;

	(void)state;
	begin(1000);
	for (unsigned i = 0; i < 60; i++) {
		clock_ns += SECOND;
		memory_alarm_note_pressure();
		count += memory_alarm_is_due(clock_ns, 0);
	}
	assert_in_range(count, 6, 7);
	for (unsigned i = 0; i < 60; i++) {
		clock_ns += SECOND;
		count += memory_alarm_is_due(clock_ns, 0);
	}
	assert_in_range(count, 6, 8); /* the last word may have waited */
}

/* Which one has the least room changes, as where tasks are made to wait. */
static void one_limit_says_nothing_of_another(void **state)
{
	unsigned count = 0;

	(void)state;
	begin(900);
	assert_true(judge_kind(SEEP_LIMIT_CGROUP_HIGH, 999 * MIB));
	assert_false(judge_kind(SEEP_LIMIT_CGROUP, 500 * MIB));
	assert_true(judge_kind(SEEP_LIMIT_CGROUP, 910 * MIB));
	assert_false(judge_kind(SEEP_LIMIT_CGROUP_HIGH, 999 * MIB));
	for (unsigned i = 0; i < 1000; i++)
		count += judge_kind(i % 2 ? SEEP_LIMIT_CGROUP : SEEP_LIMIT_CGROUP_HIGH,
				    i % 2 ? 500 * MIB : 995 * MIB);
	assert_int_equal(count, 0);
	for (unsigned kind = SEEP_LIMIT_CGROUP; kind <= SEEP_LIMIT_CGROUP_HIGH; kind++)
		assert_true(judge_kind(kind, LIMIT) || kind == SEEP_LIMIT_CGROUP_HIGH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_again_when_half_of_the_rest_is_gone),
		cmocka_unit_test(a_life_at_the_limit_is_no_stream_of_alarms),
		cmocka_unit_test(no_limit_is_never_near),
		cmocka_unit_test(a_full_limit_and_an_empty_one_are_judged),
		cmocka_unit_test(pressure_is_one_snapshot_in_ten_seconds),
		cmocka_unit_test(one_limit_says_nothing_of_another),
	};

	return cmocka_run_group_tests_name("memory_alarm", tests, lib_life_setup, NULL);
}

/* The file under test; last, for it forbids names that cmocka's macros use. */
#include "lib/control/memory_alarm.c"
