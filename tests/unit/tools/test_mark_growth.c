/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mark_growth: what stays from one mark to the next, and what only seems to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "tools/model/mark_growth.h"

/* Blocks of 100 bytes, a mark every 10 s and every second snapshot. */
static struct mark_series series_of(const double *blocks, size_t count)
{
	struct mark_series series = {.count = count};
	for (size_t i = 0; i < count; i++) {
		series.snapshot[i] = 2 * (double)i;
		series.time_s[i] = 10 * (double)i;
		series.blocks[i] = blocks[i];
		series.bytes[i] = 100 * blocks[i];
	}
	return series;
}

#define GROWTH_OF(...)                                                                             \
	({                                                                                         \
		const double values[] = {__VA_ARGS__};                                             \
		struct mark_series made = series_of(values, sizeof(values) / sizeof(*values));     \
		mark_growth_of(&made);                                                             \
	})

static void a_block_a_round_grows(void **state)
{
	(void)state;
	struct mark_growth growth = GROWTH_OF(1, 2, 3, 4, 5);
	assert_true(growth.is_rising && growth.keeps_pace && !growth.is_of_length);
	assert_int_equal(growth.steps, 4);
	assert_int_equal(growth.grew, 4);
	assert_true(growth.low == 1 && growth.high == 1);
	/* One of the 5! orders. */
	assert_true(fabs(growth.p - 1 / 120.0) < 1e-6);
	assert_true(fabs(growth.blocks.per_unit - 0.1) < 1e-9);
	assert_true(fabs(growth.bytes.per_unit - 10) < 1e-9);
	assert_true(growth.certainty > 0.9);
	/* Of three values nothing can be said; of four it is a suspicion. */
	assert_false(GROWTH_OF(1, 2, 3).is_rising);
	assert_true(fabs(GROWTH_OF(1, 2, 3, 4).p - 1 / 24.0) < 1e-6);
	assert_false(GROWTH_OF(1).is_rising);
	assert_int_equal(GROWTH_OF(1).steps, 0);
}

static void how_much_is_told_by_quartiles(void **state)
{
	(void)state;
	struct mark_growth growth = GROWTH_OF(0, 50, 90, 145, 205, 250, 298, 350, 420, 465);
	assert_int_equal(growth.grew, 9);
	assert_true(growth.low == 45 && growth.high == 55);
}

static void one_step_in_ten_may_be_none(void **state)
{
	(void)state;
	struct mark_growth growth = GROWTH_OF(1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10);
	assert_true(growth.is_rising);
	assert_int_equal(growth.steps, 10);
	assert_int_equal(growth.grew, 9);
	assert_false(GROWTH_OF(1, 2, 3, 3, 5, 6, 6, 7, 8, 9, 10).is_rising);
	/* Of fewer than ten none. */
	assert_false(GROWTH_OF(1, 2, 3, 4, 4, 5, 6, 7).is_rising);
}

static void what_stays_as_it_is_or_goes_up_and_down_does_not_grow(void **state)
{
	(void)state;
	assert_false(GROWTH_OF(7, 7, 7, 7, 7, 7, 7, 7, 7, 7).is_rising);
	assert_true(isnan(GROWTH_OF(7, 7, 7, 7, 7, 7, 7, 7, 7, 7).p));
	assert_false(GROWTH_OF(7, 9, 6, 8, 7, 10, 5, 8, 7, 9).is_rising);
	assert_true(GROWTH_OF(7, 9, 6, 8, 7, 10, 5, 8, 7, 9).p > 0.1);
	assert_false(GROWTH_OF(9, 8, 7, 6, 5, 4, 3, 2).is_rising);
}

static bool leaks(const struct mark_series *series)
{
	struct mark_growth growth = mark_growth_of(series);
	return growth.is_rising && growth.keeps_pace;
}

/* Caches whose free places are hit ever more seldom, at every length of the run. */
static void a_cache_that_fills_does_not_pass_for_a_leak(void **state)
{
	(void)state;
	static const double rounds[] = {3, 8, 15, 25};
	for (size_t cache = 0; cache < sizeof(rounds) / sizeof(*rounds); cache++)
		for (size_t count = 4; count <= 60; count++) {
			double values[MARK_SERIES_MAX];
			for (size_t i = 0; i < count; i++)
				values[i] =
					round(1000 * (1 - exp(-(double)(i + 1) / rounds[cache])));
			struct mark_series series = series_of(values, count);
			if (leaks(&series))
				fail_msg("it does after %zu rounds", count);
		}
}

/* The fewer it takes, the evener it comes. */
static void few_marks_are_enough_where_it_is_as_much_each_time(void **state)
{
	(void)state;
	static const double even[] = {10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10};
	static const double uneven[] = {50, 62, 44, 55, 47, 58, 49, 61, 45, 52, 57, 46,
					51, 59, 48, 53, 60, 43, 54, 56, 47, 52, 50, 55};
	double values[MARK_SERIES_MAX] = {100};
	for (size_t i = 1; i <= 12; i++) {
		values[i] = values[i - 1] + even[i - 1];
		struct mark_series series = series_of(values, i + 1);
		assert_int_equal(leaks(&series), i >= 3);
	}
	size_t first = 0;
	for (size_t i = 1; i <= 24; i++) {
		values[i] = values[i - 1] + uneven[i - 1];
		struct mark_series series = series_of(values, i + 1);
		assert_int_equal(mark_growth_of(&series).is_rising, i >= 3);
		if (!first && leaks(&series))
			first = i;
	}
	assert_true(first > 4 && first < 20);
	/* One block three times may be chance. */
	for (size_t i = 1; i <= 4; i++)
		values[i] = values[i - 1] + 1;
	struct mark_series three = series_of(values, 4), four = series_of(values, 5);
	assert_true(mark_growth_of(&three).is_rising && !leaks(&three));
	assert_true(leaks(&four));
}

static void what_begins_late_is_found_but_not_what_slows_down(void **state)
{
	(void)state;
	struct mark_growth growth = GROWTH_OF(9, 9, 9, 9, 9, 9, 11, 13, 15, 17, 19, 21);
	assert_true(growth.is_rising && growth.keeps_pace);
	assert_int_equal(growth.from, 6);
	assert_int_equal(growth.steps, 5);
	/* It is a second question. */
	assert_true(fabs(growth.p - 2 / 720.0) < 1e-6);
	/* Its late half is even, but the first one was steep. */
	assert_false(GROWTH_OF(0, 500, 800, 950, 949, 1000, 1010, 1020, 1030, 1040, 1050, 1060)
			     .is_rising);
}

static void longer_blocks_count_where_there_are_not_more(void **state)
{
	(void)state;
	const double blocks[] = {3, 3, 3, 3, 3, 3, 3};
	struct mark_series series = series_of(blocks, 7);
	for (size_t i = 0; i < 7; i++)
		series.bytes[i] = 1000 + 64 * (double)i;
	struct mark_growth growth = mark_growth_of(&series);
	assert_true(growth.is_rising && growth.is_of_length);
	assert_true(growth.low == 64 && growth.high == 64);
	/* With more blocks the length is no question of its own. */
	series.blocks[6] = 4;
	assert_false(mark_growth_of(&series).is_rising);
}

/* ---- level ---- */

static bool contradicts(const double *values, size_t count, double blocks_per_s,
			double events_per_snapshot)
{
	struct mark_series series = series_of(values, count);
	return mark_growth_contradicts(
		&series, &(struct growth_claim){.blocks_per_s = blocks_per_s,
						.bytes_per_s = 100 * blocks_per_s,
						.events_per_snapshot = events_per_snapshot});
}

static void level_marks_contradict_growth(void **state)
{
	(void)state;
	const double level[] = {50, 60, 70, 80, 80, 80, 80, 80, 80};
	const double noise[] = {80, 81, 79, 80, 82, 79, 80, 81, 80, 79, 80, 81, 80};
	assert_true(contradicts(level, 9, 1, 1));
	assert_true(contradicts(noise, 13, 1, 1));
	/* Of so little growth the noise knows nothing. */
	assert_false(contradicts(noise, 13, 0.02, 1));
}

static void growth_is_not_contradicted_by_growth(void **state)
{
	(void)state;
	const double grows[] = {10, 20, 30, 40, 50, 60, 70, 80, 90};
	assert_false(contradicts(grows, 9, 1, 1));
	assert_false(contradicts(grows, 9, 1.9, 1));
	assert_true(contradicts(grows, 9, 2.1, 1));
}

static void few_steps_or_rare_events_contradict_nothing(void **state)
{
	(void)state;
	const double level[] = {80, 80, 80, 80, 80};
	assert_true(contradicts(level, 5, 1, 1));
	assert_false(contradicts(level, 4, 1, 1));
	/* Four steps of 2 snapshots: 2 events would have come. */
	assert_false(contradicts(level, 5, 1, 0.25));
	assert_true(contradicts(level, 5, 1, 0.4));
}

static void lengths_are_contradicted_by_bytes(void **state)
{
	(void)state;
	const double level[] = {80, 80, 80, 80, 80};
	struct mark_series series = series_of(level, 5);
	struct growth_claim claim = {
		.bytes_per_s = 10, .is_of_length = true, .events_per_snapshot = 1};
	assert_true(mark_growth_contradicts(&series, &claim));
	for (size_t i = 0; i < 5; i++)
		series.bytes[i] = 8000 + 100 * (double)i;
	assert_false(mark_growth_contradicts(&series, &claim));
}

/* ---- chance ---- */

/* SEEP_TEST_SEED repeats a run. */
static void chance_is_no_larger_than_it_says(void **state)
{
	(void)state;
	enum { RUNS = 20000 };
	const char *text = getenv("SEEP_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2 + 1;
	unsigned short numbers[3] = {(unsigned short)seed, (unsigned short)(seed >> 16),
				     (unsigned short)(seed >> 32)};
	print_message("SEEP_TEST_SEED=%" PRIu64 "\n", seed);
	for (size_t count = 4; count <= 24; count += 5) {
		size_t sure = 0, growing = 0;
		for (int run = 0; run < RUNS; run++) {
			double values[24];
			for (size_t i = 0; i < count; i++)
				values[i] = 100 + floor(20 * erand48(numbers));
			struct mark_series series = series_of(values, count);
			struct mark_growth growth = mark_growth_of(&series);
			sure += growth.p <= 0.05;
			growing += growth.is_rising && growth.p <= 0.05;
		}
		/* Of 20,000 runs 5 % are 1,000; the deviation is 31. */
		assert_true(sure < RUNS / 20 + 150);
		assert_true(growing <= sure);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_a_round_grows),
		cmocka_unit_test(how_much_is_told_by_quartiles),
		cmocka_unit_test(one_step_in_ten_may_be_none),
		cmocka_unit_test(what_stays_as_it_is_or_goes_up_and_down_does_not_grow),
		cmocka_unit_test(a_cache_that_fills_does_not_pass_for_a_leak),
		cmocka_unit_test(few_marks_are_enough_where_it_is_as_much_each_time),
		cmocka_unit_test(what_begins_late_is_found_but_not_what_slows_down),
		cmocka_unit_test(longer_blocks_count_where_there_are_not_more),
		cmocka_unit_test(level_marks_contradict_growth),
		cmocka_unit_test(growth_is_not_contradicted_by_growth),
		cmocka_unit_test(few_steps_or_rare_events_contradict_nothing),
		cmocka_unit_test(lengths_are_contradicted_by_bytes),
		cmocka_unit_test(chance_is_no_larger_than_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
