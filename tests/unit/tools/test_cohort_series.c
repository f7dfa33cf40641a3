/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cohort_series: the steps of a run and the blocks in its periods, also where the target has
 * merged cohorts; and what survivors makes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/corpus/simulated/simulated_site.h"
#include "tools/model/cohort_series.h"
#include "tools/model/survivors.h"

#define SEED 3

static struct simulated_site site;
static struct simulated_profile made;
static struct cohort_series series, other;

static void make(enum simulated_class class, size_t periods, uint64_t number)
{
	simulated_site_make(&site, class, periods, false, SEED, number);
	simulated_profile_make(&made, &site, 1);
	cohort_series_make(&series, &made.profile, &made.site, 0, periods - 1);
}

/* A snapshot's index is one less than its epoch, and than its time in seconds. */
static size_t index_of(size_t step)
{
	return (size_t)(series.time_s[step] + 0.5) - 1;
}

static void sums_up_to_a_cut_are_exact(void **state)
{
	(void)state;
	static const size_t lengths[] = {3, 17, 40, 64, 65, 80, 130, 200};
	for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
		make(SIMULATED_leak_among_sessions, lengths[l], 1);
		size_t cuts = 0;
		assert_in_range(series.count, 1, SERIES_MAX_STEPS);
		assert_true(series.count >= (lengths[l] < 32 ? lengths[l] : 32) - 1);
		for (size_t period = 0; period < series.count; period++) {
			if (!series.is_cut[period])
				continue;
			cuts++;
			for (size_t step = period; step < series.count; step++) {
				double blocks = 0;
				for (size_t b = 0; b <= index_of(period); b++)
					blocks += (double)site.blocks[index_of(step)][b];
				assert_true(series.blocks[step][period] == blocks);
			}
		}
		assert_true(cuts * 4 >= series.count);
		assert_true(series.is_cut[series.count - 1]);
	}
}

/* "What is born up to the epoch e can be told from what is born later for as long as the groups around
 * e are no wider than the largest power of two that divides e + 1." */
static bool ends_group(uint32_t epoch, uint32_t now, uint32_t single_epochs)
{
	uint32_t widest = 1;
	for (uint32_t width = 2; width <= 1u << 17; width *= 2) {
		uint32_t last = epoch / width * width + width - 1;
		if (last <= now && now - last >= (uint64_t)single_epochs * (width / 2))
			widest = width;
	}
	return (epoch + 1) % widest == 0;
}

static void cuts_follow_the_rule_that_the_file_names(void **state)
{
	(void)state;
	static const uint32_t rules[] = {1, 4, 16, 32, 1000, UINT32_MAX};
	enum { PERIODS = 60 };
	simulated_site_make(&site, SIMULATED_leak_among_sessions, PERIODS, false, SEED, 1);
	simulated_profile_make(&made, &site, 1);
	size_t cuts_before = 0;
	for (size_t r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
		made.profile.single_epochs = rules[r];
		cohort_series_make(&series, &made.profile, &made.site, 0, PERIODS - 1);
		uint32_t now = series.epoch[series.count - 1];
		size_t cuts = 0;
		for (size_t i = 0; i < series.count; i++) {
			bool is_end =
				i + 1 == series.count || ends_group(series.epoch[i], now, rules[r]);
			assert_int_equal(series.is_cut[i], is_end);
			assert_int_equal(cohort_series_is_exact(&series, series.count - 1, i),
					 is_end);
			cuts += is_end;
		}
		assert_true(cuts > cuts_before || cuts == series.count);
		cuts_before = cuts;
	}
	assert_int_equal(cuts_before, series.count);
}

static void a_step_knows_all_that_lives(void **state)
{
	(void)state;
	make(SIMULATED_medium_lives, 200, 2);
	for (size_t step = 0; step < series.count; step++) {
		assert_true(series.blocks[step][step] == series.live_blocks[step]);
		assert_true(series.bytes[step][step] == series.live_bytes[step]);
		for (size_t period = 1; period <= step; period++)
			assert_true(cohort_series_born(&series, step, period) >= 0);
	}
}

static void steps_go_to_the_end(void **state)
{
	(void)state;
	for (size_t periods = 2; periods <= 200; periods++) {
		make(SIMULATED_short_lives, periods, 0);
		size_t last = index_of(series.count - 1);
		/* At most the rest of a group of 8 epochs is left out. */
		assert_in_range(last, periods <= 64 ? periods - 1 : periods - 8, periods - 1);
	}
}

/* As after thinning: only every seventh of the old snapshots is left. */
static void thinned_runs_have_steps_too(void **state)
{
	(void)state;
	make(SIMULATED_linear_leak, 200, 0);
	size_t kept = 0;
	for (size_t t = 0; t < 200; t++) {
		if (t < 150 && t % 7)
			continue;
		made.snapshots[kept] = made.snapshots[t];
		made.points[kept] = made.points[t];
		made.points[kept].snapshot = (uint32_t)kept;
		kept++;
	}
	made.profile.snapshot_count = kept;
	made.site.point_count = (uint32_t)kept;
	cohort_series_make(&series, &made.profile, &made.site, 0, kept - 1);
	assert_in_range(series.count, 32, SERIES_MAX_STEPS);
	for (size_t step = 1; step < series.count; step++)
		assert_true(series.time_s[step] > series.time_s[step - 1]);
}

/* What no run has and a hostile file may say. */
static void epochs_without_end_do_no_harm(void **state)
{
	(void)state;
	for (uint64_t start = 1; start < UINT32_MAX; start = start * 7 + 3) {
		make(SIMULATED_linear_leak, 100, 0);
		for (size_t t = 0; t < 100; t++)
			made.snapshots[t].epoch += (uint32_t)start;
		cohort_series_make(&series, &made.profile, &made.site, 0, 99);
		assert_in_range(series.count, 1, SERIES_MAX_STEPS);
	}
	for (size_t t = 0; t < 100; t++)
		made.snapshots[t].epoch = UINT32_MAX;
	cohort_series_make(&series, &made.profile, &made.site, 0, 99);
	assert_in_range(series.count, 1, SERIES_MAX_STEPS);
}

static void sums_are_those_of_the_parts(void **state)
{
	(void)state;
	make(SIMULATED_linear_leak, 60, 4);
	other = series;
	double births = other.births[59], others = other.others[59];
	make(SIMULATED_short_lives, 60, 5);
	cohort_series_add(&other, &series);
	assert_true(other.births[59] == births + series.births[59]);
	assert_true(other.others[59] == others - series.births[59]);
	assert_true(other.live_blocks[59] == other.blocks[59][59]);
}

/* ---- survivors ---- */

static void everything_of_a_cache_without_bound_survives(void **state)
{
	(void)state;
	struct survivors survivors;
	for (size_t age = 1; age < 12; age++) {
		make(SIMULATED_endless_cache, 40, age);
		struct survey survey = survey_make(&series, 0.15, 0.25);
		assert_true(survivors_at(&survivors, &survey, age));
		assert_true(fabs(survivors.age_s - (double)age) < 0.02);
		assert_true(survivors.kept_lately > 0.9);
		assert_true(survivors.kept_of_oldest > 0.9);
		assert_true(fabs(survivors.gain - 1) < 0.1);
		assert_true(fabs(survivors.late_gain - 1) < 0.2);
		/* A period may have had no birth at all. */
		assert_in_range(survivors.periods, survivors.end - survivors.first - 2,
				survivors.end - survivors.first);
	}
}

static void nothing_of_what_expires_is_kept(void **state)
{
	(void)state;
	struct survivors survivors;
	for (uint64_t number = 0; number < 20; number++) {
		make(SIMULATED_expiring_cache, 80, number);
		struct survey survey = survey_make(&series, 0.15, 0.25);
		for (size_t age = 1; survivors_at(&survivors, &survey, age); age++)
			assert_true(survivors.kept_lately < 0.6 || survivors.gain < 0.6 ||
				    survivors.kept_of_oldest < 0.3);
	}
}

static void an_age_that_the_run_does_not_have_is_refused(void **state)
{
	(void)state;
	struct survivors survivors;
	make(SIMULATED_linear_leak, 20, 0);
	struct survey survey = survey_make(&series, 0.15, 0.25);
	assert_false(survivors_at(&survivors, &survey, 19));
	assert_false(survivors_at(&survivors, &survey, 1000));
	make(SIMULATED_linear_leak, 2, 0);
	survey = survey_make(&series, 0.15, 0.25);
	assert_false(survivors_at(&survivors, &survey, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_up_to_a_cut_are_exact),
		cmocka_unit_test(cuts_follow_the_rule_that_the_file_names),
		cmocka_unit_test(a_step_knows_all_that_lives),
		cmocka_unit_test(steps_go_to_the_end),
		cmocka_unit_test(thinned_runs_have_steps_too),
		cmocka_unit_test(epochs_without_end_do_no_harm),
		cmocka_unit_test(sums_are_those_of_the_parts),
		cmocka_unit_test(everything_of_a_cache_without_bound_survives),
		cmocka_unit_test(nothing_of_what_expires_is_kept),
		cmocka_unit_test(an_age_that_the_run_does_not_have_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
