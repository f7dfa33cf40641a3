/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verdict: sites that grow and sites that only look like it, made by hand. How often the verdict
 * is right is in test_verdict_quality.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "tests/unit/tools/made_site.h"
#include "tools/model/cohort_series.h"
#include "tools/model/profile.h"
#include "tools/model/verdict.h"

static void a_steady_leak_is_a_leak_with_its_rate_and_beginning(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(judgement.is_flagged);
	assert_true(judgement.confidence > 0.99);
	/* 10 blocks of 64 bytes in 10 seconds. */
	assert_true(fabs(judgement.growth.blocks_per_hour - 3600) < 1);
	assert_true(fabs(judgement.growth.bytes_per_hour - 3600 * BLOCK_BYTES) < 64);
	assert_true(judgement.growth.bytes_per_hour_ci95[0] <= judgement.growth.bytes_per_hour);
	assert_true(judgement.growth.bytes_per_hour_ci95[1] >= judgement.growth.bytes_per_hour);
	assert_true(judgement.growth.since_s <= 20);
	assert_true(isnan(judgement.growth.time_to_limit_s));
	free(run);
}

static void the_rate_holds_when_snapshots_become_rarer(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 60; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(100 * pow(1.1, (double)b)));
	finish_run(run, 1.1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	/* 1000 blocks per second. */
	double expected = 1000.0 * 3600 * BLOCK_BYTES;
	assert_true(fabs(judgement.growth.bytes_per_hour / expected - 1) < 0.1);
	free(run);
}

static void a_leak_that_begins_late_is_dated(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, 1, 20);
		if (b >= 20)
			add_blocks(run, b, INFINITY, 5);
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(fabs(judgement.growth.since_s - 205) <= 20);
	free(run);
}

static void one_percent_of_busy_traffic_is_found(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(1);
	for (size_t b = 0; b < 40; b++) {
		uint64_t traffic = 600 + (uint64_t)(drand48() * 800);
		add_blocks(run, b, 0, traffic * 99 / 100);
		add_blocks(run, b, INFINITY, traffic / 100);
	}
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

/* Everything is freed in the last, final snapshot, or during the last few. */
static void a_leak_that_is_tidied_up_at_exit_is_still_a_leak(void **state)
{
	(void)state;
	for (size_t fall = 1; fall <= 4; fall++) {
		struct run *run = run_new(40);
		for (size_t b = 0; b < 40; b++)
			add_blocks(run, b, INFINITY, 10000);
		for (size_t i = 0; i < fall; i++)
			for (size_t b = 0; b < 40; b++)
				run->blocks[40 - fall + i][b] =
					run->blocks[40 - fall + i][b] * (fall - 1 - i) / fall;
		finish_run(run, 1);
		run->snapshots[39].reason = SEEP_REASON_FINAL;
		expect_verdict(run, VERDICT_LEAK);
	}
}

static void a_leak_of_a_site_that_alone_is_freed_at_exit_is_a_leak(void **state)
{
	(void)state;
	struct run *run = run_new(30);
	for (size_t b = 0; b < 30; b++)
		add_blocks(run, b, INFINITY, 3);
	for (size_t b = 0; b < 30; b++)
		run->blocks[29][b] = 0;
	finish_run(run, 1);
	run->snapshots[29].reason = SEEP_REASON_FINAL;
	expect_verdict(run, VERDICT_LEAK);
}

static void too_few_snapshots_judge_nothing(void **state)
{
	(void)state;
	for (size_t periods = 1; periods < 6; periods++) {
		struct run *run = run_new(periods);
		for (size_t b = 0; b < periods; b++)
			add_blocks(run, b, INFINITY, 10);
		finish_run(run, 1);
		assert_false(judge(run).is_flagged);
		expect_verdict(run, VERDICT_UNFREED);

		run = run_new(periods);
		for (size_t b = 0; b + 1 < periods; b++)
			add_blocks(run, b, 0, 10);
		finish_run(run, 1);
		expect_verdict(run, VERDICT_STABLE);
	}
}

static void a_short_rise_is_growing_and_says_how_many_snapshots_it_needs(void **state)
{
	(void)state;
	struct run *run = run_new(6);
	for (size_t b = 0; b < 6; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_GROWING);
	assert_true(judgement.snapshots_needed > 0);
	free(run);

	/* And that many more are enough. */
	size_t periods = 6 + judgement.snapshots_needed;
	run = run_new(periods);
	for (size_t b = 0; b < periods; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

static void what_has_ended_is_no_leak(void **state)
{
	(void)state;
	static const uint64_t added[] = {[8] = 6, [11] = 9, [14] = 7, [17] = 8, [20] = 6, [23] = 9};
	struct run *run = run_new(40);
	for (size_t b = 0; b < sizeof(added) / sizeof(*added); b++)
		add_blocks(run, b, INFINITY, added[b]);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_false(judgement.is_flagged);
	expect_verdict(run, VERDICT_PLATEAU);
	/* Had it gone on, it would be one. */
	run = run_new(40);
	for (size_t b = 8; b < 40; b++)
		add_blocks(run, b, INFINITY, b % 3 == 2 ? 6 + b % 4 : 0);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

static void a_leak_is_seen_under_a_warm_up(void **state)
{
	(void)state;
	for (int leaks = 0; leaks < 2; leaks++) {
		struct run *run = run_new(60);
		for (size_t b = 0; b < 60; b++)
			add_blocks(run, b, INFINITY,
				   (uint64_t)(400 * exp(-(double)b / 4)) +
					   (leaks ? 12 + b % 3 : 0));
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.is_flagged, leaks);
		/* At the pace that it has, not that of the warm-up. */
		if (leaks)
			assert_true(fabs(judgement.growth.blocks_per_hour - 13 * 360) < 360);
		if (leaks)
			assert_true(fabs(judgement.growth.bytes_per_hour - 13 * 360 * BLOCK_BYTES) <
				    360 * BLOCK_BYTES);
		free(run);
	}
}

/* A full cache that evicts what is rarely asked for: what is asked for often grows old in it. */
static void what_only_grows_old_is_no_leak(void **state)
{
	(void)state;
	for (int grows = 0; grows < 2; grows++) {
		struct run *run = run_new(60);
		for (size_t t = 0; t < 60; t++) {
			uint64_t young = 500;
			for (size_t b = 0; b + 3 <= t; b++)
				young -= run->blocks[t][b] = 3;
			run->blocks[t][t] = grows ? 500 : young;
			run->allocations[t] = 500;
		}
		finish_run(run, 1);
		assert_int_equal(judge(run).is_flagged, grows);
		free(run);
	}
}

static void blocks_made_at_start_are_stable(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	add_blocks(run, 0, INFINITY, 100);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.growth.bytes_per_hour == 0);
	expect_verdict(run, VERDICT_STABLE);
}

static void a_table_filled_in_the_beginning_is_a_plateau(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 12; b++)
		add_blocks(run, b, INFINITY, 100);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_PLATEAU);
}

static void a_cache_that_fills_ever_slower_is_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(1000 * exp(-(double)b / 9)));
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.growth.bytes_per_hour > 0);
	expect_verdict(run, VERDICT_SATURATING);
}

/* At the end 37 % of the first pace: a leak may have that, and a cache that fills, too. */
static void what_may_stop_or_go_on_is_not_called_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(100 * exp(-(double)b / 36)));
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.evidence.is_slowing);
	assert_false(verdict_may_go_on(&judgement));
	assert_int_equal(judgement.snapshots_needed, 40); /* as many again */
	expect_verdict(run, VERDICT_GROWING);
}

/* Six blocks, a bit more seldom each time: as likely no leak as one. */
static void what_is_hardly_more_likely_a_leak_than_not_is_growing(void **state)
{
	(void)state;
	static const size_t births[] = {8, 11, 15, 19, 25, 33};
	struct run *run = run_new(40);
	for (size_t i = 0; i < sizeof(births) / sizeof(*births); i++)
		add_blocks(run, births[i], INFINITY, 1);
	finish_run(run, 1);
	struct cohort_series *series = calloc(1, sizeof(*series));
	assert_non_null(series);
	cohort_series_make(series, &run->profile, &run->site, 0, run->periods - 1);
	struct verdict_limits limits = verdict_limits;
	limits.confidence = 0;
	assert_int_equal(verdict_judge_series(series, &limits).verdict, VERDICT_LEAK);
	free(series);
	/* And as sure of it as of anything else that grows. */
	struct judgement judgement = judge(run);
	assert_true(judgement.confidence <= 0.5);
	assert_true(judgement.snapshots_needed > 0);
	expect_verdict(run, VERDICT_GROWING);
}

static void a_leak_whose_program_became_idle_is_not_called_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(1000 * exp(-(double)b / 9)));
	finish_run(run, 1);
	/* The other sites had ever less to do too. */
	for (size_t t = 0; t < 40; t++)
		run->snapshots[t].raw.allocations +=
			(uint64_t)(1e7 * (1 - exp(-(double)(t + 1) / 9)));
	struct judgement judgement = judge(run);
	assert_true(judgement.verdict == VERDICT_LEAK || judgement.verdict == VERDICT_GROWING);
	free(run);
}

/* Who forgets one of three has less to forget when there is less to do. Of what keeps every second block nobody
 * knows whether that is what it is for. */
static void what_a_site_keeps_goes_on_in_step_with_what_it_allocates(void **state)
{
	(void)state;
	for (unsigned kept = 2; kept <= 3; kept++) {
		struct run *run = run_new(40);
		for (size_t b = 0; b < 40; b++) {
			uint64_t all = (uint64_t)(300 * exp(-(double)b / 20));
			add_blocks(run, b, INFINITY, all / kept);
			add_blocks(run, b, 1, all - all / kept);
		}
		finish_run(run, 1);
		assert_int_equal(judge(run).is_flagged, kept == 3);
		free(run);
	}
}

static void a_pool_that_empties_again_and_again_is_periodic(void **state)
{
	(void)state;
	struct run *run = run_new(48);
	for (size_t b = 0; b < 48; b++)
		add_blocks(run, b, (double)(11 - b % 12), 50);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_PERIODIC);
}

static void judging_a_part_ignores_what_came_before(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 30; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement part = verdict_judge(&run->profile, &run->site, 30, 59);
	assert_int_equal(part.verdict, VERDICT_STABLE);
	part = verdict_judge(&run->profile, &run->site, 0, 29);
	assert_int_equal(part.verdict, VERDICT_LEAK);
	/* Nonsense is answered with nothing. */
	assert_int_equal(verdict_judge(&run->profile, &run->site, 5, 4).verdict, VERDICT_STABLE);
	assert_int_equal(verdict_judge(&run->profile, &run->site, 0, 60).verdict, VERDICT_STABLE);
	free(run);
}

static void a_long_run_is_judged_like_a_short_one(void **state)
{
	(void)state;
	struct run *run = run_new(MAX_PERIODS);
	for (size_t b = 0; b < MAX_PERIODS; b++) {
		add_blocks(run, b, 3, 100);
		if (b % 5 == 0)
			add_blocks(run, b, INFINITY, 1);
	}
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);

	run = run_new(MAX_PERIODS);
	for (size_t b = 0; b < MAX_PERIODS; b++)
		add_blocks(run, b, 3, 100);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_STABLE);
}

/* ---- why, how soon ---- */

static void the_reasons_name_the_numbers(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, 0, 90); /* freed after the first snapshot that sees them */
		add_blocks(run, b, INFINITY, 10);
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	const struct verdict_evidence *evidence = &judgement.evidence;
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_false(evidence->is_of_length);
	assert_true(fabs(evidence->age_s - 10) < 0.1);
	assert_int_equal(evidence->periods, evidence->periods_that_kept);
	assert_in_range(evidence->periods, 30, 36);
	assert_true(evidence->kept_low == 10 && evidence->kept_high == 10);
	assert_true(evidence->births == 100.0 * evidence->periods);
	assert_true(evidence->freed == 90.0 * evidence->periods);
	assert_true(fabs(evidence->freed_within_s - 10) < 0.1);
	assert_true(evidence->kept_lately > 0.9 && evidence->kept_lately <= 1);
	assert_true(fabs(evidence->decline) < 0.01);
	assert_true(evidence->drift_p < 1e-6);
	free(run);
}

static void growth_in_step_with_work_is_said_to_be(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(7);
	for (size_t b = 0; b < 40; b++) {
		uint64_t work = 1 + (uint64_t)(drand48() * 30);
		add_blocks(run, b, INFINITY, work);
		run->others[b] = 1000 * work;
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_int_equal(judgement.evidence.clock, CLOCK_WORK);
	free(run);
}

static void the_limit_makes_the_severity(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run), other = judgement;
	assert_int_equal(judgement.severity, SEVERITY_LOW);
	double rate = judgement.growth.bytes_per_hour;
	verdict_set_limit(&judgement, 1e9, 1e9 + 2 * rate);
	assert_true(fabs(judgement.growth.time_to_limit_s - 7200) < 1);
	assert_int_equal(judgement.severity, SEVERITY_CRITICAL);
	verdict_set_limit(&other, 1e9, 1e9 + 1e6 * rate);
	assert_int_equal(other.severity, SEVERITY_LOW);
	/* Already above it. */
	verdict_set_limit(&other, 2e9, 1e9);
	assert_true(other.growth.time_to_limit_s == 0);
	free(run);
}

static void a_withdrawn_leak_is_growing(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	verdict_withdraw(&judgement, 40);
	assert_int_equal(judgement.verdict, VERDICT_GROWING);
	assert_false(judgement.is_flagged);
	assert_true(judgement.snapshots_needed > 0);
	struct judgement once = judgement;
	verdict_withdraw(&judgement, 40);
	assert_true(judgement.confidence == once.confidence);
	free(run);
}

static void eleven_snapshots_flag_nothing(void **state)
{
	(void)state;
	for (size_t periods = 6; periods < 16; periods++) {
		struct run *run = run_new(periods);
		for (size_t b = 0; b < periods; b++)
			add_blocks(run, b, INFINITY, 100);
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.verdict, periods < 12 ? VERDICT_GROWING : VERDICT_LEAK);
		assert_true(judgement.growth.bytes_per_hour > 0);
		free(run);
	}
}

/* The base is full and stays; its churn is a hundred times the leak. */
static void a_leak_beside_a_large_base_and_traffic_is_found(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(3);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, INFINITY, b == 0 ? 1000000 : 5);
		add_blocks(run, b, 0, 300 + (uint64_t)(drand48() * 400));
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(fabs(judgement.growth.blocks_per_hour - 1800) < 20);
	free(run);
}

static void a_full_cache_that_replaces_its_oldest_is_no_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, 19, 50); /* each lives for twenty periods */
	finish_run(run, 1);
	assert_false(judge(run).is_flagged);
	free(run);
}

static void blocks_are_aged_by_time_where_snapshots_become_rarer(void **state)
{
	(void)state;
	/* All blocks live for three seconds; the snapshots come after 0.1 s and after 10 s. */
	struct run *run = run_new(60);
	double end[60], now = 0, interval = 0.1;
	for (size_t t = 0; t < 60; t++, interval *= 1.1)
		end[t] = now += interval;
	for (size_t b = 0; b < 60; b++) {
		uint64_t count = (uint64_t)(100 * pow(1.1, (double)b));
		double start = b ? end[b - 1] : 0;
		for (size_t t = b; t < 60 && end[t] - end[b] < 3; t++) {
			double alive = (end[b] - fmax(start, end[t] - 3)) / (end[b] - start);
			run->blocks[t][b] += (uint64_t)((double)count * alive);
		}
		run->allocations[b] += count;
	}
	finish_run(run, 1.1);
	assert_false(judge(run).is_flagged);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_leak_is_a_leak_with_its_rate_and_beginning),
		cmocka_unit_test(the_rate_holds_when_snapshots_become_rarer),
		cmocka_unit_test(a_leak_that_begins_late_is_dated),
		cmocka_unit_test(one_percent_of_busy_traffic_is_found),
		cmocka_unit_test(a_leak_that_is_tidied_up_at_exit_is_still_a_leak),
		cmocka_unit_test(a_leak_of_a_site_that_alone_is_freed_at_exit_is_a_leak),
		cmocka_unit_test(too_few_snapshots_judge_nothing),
		cmocka_unit_test(what_has_ended_is_no_leak),
		cmocka_unit_test(a_leak_is_seen_under_a_warm_up),
		cmocka_unit_test(what_only_grows_old_is_no_leak),
		cmocka_unit_test(a_short_rise_is_growing_and_says_how_many_snapshots_it_needs),
		cmocka_unit_test(blocks_made_at_start_are_stable),
		cmocka_unit_test(a_table_filled_in_the_beginning_is_a_plateau),
		cmocka_unit_test(a_cache_that_fills_ever_slower_is_saturating),
		cmocka_unit_test(what_may_stop_or_go_on_is_not_called_saturating),
		cmocka_unit_test(what_is_hardly_more_likely_a_leak_than_not_is_growing),
		cmocka_unit_test(a_leak_whose_program_became_idle_is_not_called_saturating),
		cmocka_unit_test(what_a_site_keeps_goes_on_in_step_with_what_it_allocates),
		cmocka_unit_test(a_pool_that_empties_again_and_again_is_periodic),
		cmocka_unit_test(judging_a_part_ignores_what_came_before),
		cmocka_unit_test(a_long_run_is_judged_like_a_short_one),
		cmocka_unit_test(the_reasons_name_the_numbers),
		cmocka_unit_test(growth_in_step_with_work_is_said_to_be),
		cmocka_unit_test(the_limit_makes_the_severity),
		cmocka_unit_test(a_withdrawn_leak_is_growing),
		cmocka_unit_test(eleven_snapshots_flag_nothing),
		cmocka_unit_test(a_leak_beside_a_large_base_and_traffic_is_found),
		cmocka_unit_test(a_full_cache_that_replaces_its_oldest_is_no_leak),
		cmocka_unit_test(blocks_are_aged_by_time_where_snapshots_become_rarer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
