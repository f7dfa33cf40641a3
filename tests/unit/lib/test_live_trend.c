/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_live_trend: the growth of the process, against the tool's floating point of the same points.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "lib/snapshot/live_trend.h"
#include "tests/support/lib_random.h"
#include "tools/model/trend.h"

#define SECOND 1000000000ull
#define MIB (1ull << 20)

/* A run with a snapshot each second; bytes by its number. */
typedef uint64_t course(uint64_t second);

static struct live_trend run(course *bytes, uint64_t seconds)
{
	struct live_trend trend = {.count = 0};

	for (uint64_t i = 1; i <= seconds; i++)
		live_trend_add(&trend, i * SECOND, bytes(i));
	return trend;
}

static uint64_t rate(course *bytes, uint64_t seconds)
{
	struct live_trend trend = run(bytes, seconds);

	return live_trend_bytes_per_hour(&trend);
}

static uint64_t leaks(uint64_t second)
{
	return 50 * MIB + second * 1000;
}

static uint64_t stays(uint64_t second)
{
	(void)second;
	return 50 * MIB;
}

static uint64_t shrinks(uint64_t second)
{
	return 50 * MIB - second * 1000;
}

static uint64_t warms_up(uint64_t second)
{
	return second < 20 ? second * MIB : 20 * MIB;
}

static uint64_t swings(uint64_t second)
{
	return 50 * MIB + second % 7 * MIB;
}

/* As a program does that frees everything before it ends. */
static uint64_t leaks_and_tidies_up(uint64_t second)
{
	return second == 100 ? 0 : leaks(second);
}

static uint64_t is_enormous(uint64_t second)
{
	return second * (UINT64_MAX / 200);
}

static void tells_the_rate_of_what_grows_evenly(void **state)
{
	(void)state;
	assert_int_equal(rate(leaks, 20), 1000 * 3600);
	assert_int_equal(rate(leaks, 100), 1000 * 3600);
	assert_int_equal(rate(leaks, 10000), 1000 * 3600);
	assert_int_equal(rate(leaks_and_tidies_up, 100), 1000 * 3600);
}

static void says_nothing_of_what_does_not_grow(void **state)
{
	(void)state;
	assert_int_equal(rate(stays, 100), 0);
	assert_int_equal(rate(shrinks, 100), 0);
	assert_int_equal(rate(warms_up, 100), 0);
	assert_int_equal(rate(swings, 100), 0);
}

static void says_nothing_of_few_points(void **state)
{
	(void)state;
	/* Those of the first 15 % do not count: of 13 there are 12 left. */
	assert_int_equal(rate(leaks, 1), 0);
	assert_int_equal(rate(leaks, 12), 0);
	assert_int_equal(rate(leaks, 13), 1000 * 3600);
	assert_int_equal(live_trend_bytes_per_hour(&(struct live_trend){.count = 0}), 0);
}

static void survives_numbers_that_no_process_has(void **state)
{
	(void)state;
	assert_true(rate(is_enormous, 100) > 0);
}

static void ignores_a_second_word_on_the_same_moment(void **state)
{
	struct live_trend trend = run(leaks, 20);

	(void)state;
	live_trend_add(&trend, 20 * SECOND, 0);
	live_trend_add(&trend, 19 * SECOND, 0);
	assert_int_equal(trend.count, 20);
	assert_int_equal(live_trend_bytes_per_hour(&trend), 1000 * 3600);
}

/* The pauses of the adaptive schedule, a month long. */
static void keeps_points_that_are_spread_over_the_run(void **state)
{
	struct live_trend trend = {.count = 0};
	uint64_t now = 0, most = 0, added = 0;

	(void)state;
	while (now < 30 * 86400 * SECOND) {
		uint64_t pause = now / 16;

		pause = pause < SECOND / 10 ? SECOND / 10 : pause;
		now += pause > 600 * SECOND ? 600 * SECOND : pause;
		live_trend_add(&trend, now, added++);
		assert_true(trend.count <= LIVE_TREND_POINTS);
		assert_int_equal(trend.points[trend.count - 1].time_ns, now);
		/* One of any 64th of the run, where there was a snapshot. */
		for (uint32_t i = 1; i + 1 < trend.count; i++)
			assert_true(trend.points[i].time_ns - trend.points[i - 1].time_ns >=
				    trend.spacing_ns);
		if (trend.count > most)
			most = (uint32_t)trend.count;
	}
	assert_true(added > 4000);
	assert_int_equal(most, LIVE_TREND_POINTS);
	assert_true(trend.count >= 30);
	for (uint32_t i = 1; i < trend.count; i++)
		assert_true(trend.points[i].time_ns - trend.points[i - 1].time_ns < now / 16);
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The lower one in the middle of all slopes. */
static double median_slope(const double *times, const double *values, size_t count)
{
	static double all[TREND_MAX_POINTS * TREND_MAX_POINTS];
	size_t pairs = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			all[pairs++] = (values[j] - values[i]) / (times[j] - times[i]);
	qsort(all, pairs, sizeof(*all), compare_doubles);
	return all[(pairs - 1) / 2];
}

/* Noise of any strength on growth of any strength: the tool, which calculates otherwise, is as
 * sure. */
static void is_as_sure_as_the_tool(void **state)
{
	struct lib_random random = lib_random_start();
	unsigned rising = 0, doubtful = 0;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct live_trend trend = {.count = 0};
		uint64_t growth = lib_random_below(&random, 2000);
		uint64_t noise = 1 + lib_random_below(&random, 100000), now = 0;
		double times[TREND_MAX_POINTS], values[TREND_MAX_POINTS];
		size_t count = 0, points = 13 + lib_random_below(&random, 52);

		for (size_t i = 0; i < points; i++) {
			now += SECOND + lib_random_below(&random, SECOND);
			live_trend_add(&trend, now,
				       now / SECOND * growth + lib_random_below(&random, noise));
		}
		for (uint32_t i = 0; i < trend.count; i++) {
			if (trend.points[i].time_ns < now / 100 * 15)
				continue;
			times[count] = (double)trend.points[i].time_ns / 3.6e12;
			values[count++] = (double)trend.points[i].bytes;
		}
		struct trend_test test = trend_mann_kendall(values, count);
		struct trend_slope slope = trend_theil_sen(times, values, count, &test);
		uint64_t found = live_trend_bytes_per_hour(&trend);

		if (count < LIVE_TREND_POINTS_MIN || slope.low < 0) {
			assert_int_equal(found, 0);
		} else if (found == 0) {
			doubtful++; /* the interval is a little wider here */
		} else {
			rising++;
			assert_true(fabs((double)found - median_slope(times, values, count)) <= 1);
		}
	}
	assert_in_range(rising, 200, 1900);
	assert_true(doubtful < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_rate_of_what_grows_evenly),
		cmocka_unit_test(says_nothing_of_what_does_not_grow),
		cmocka_unit_test(says_nothing_of_few_points),
		cmocka_unit_test(survives_numbers_that_no_process_has),
		cmocka_unit_test(ignores_a_second_word_on_the_same_moment),
		cmocka_unit_test(keeps_points_that_are_spread_over_the_run),
		cmocka_unit_test(is_as_sure_as_the_tool),
	};

	return cmocka_run_group_tests_name("live_trend", tests, NULL, NULL);
}
