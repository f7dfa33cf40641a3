/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verdict_quality: how often the verdict is right on simulated sites, and what must not change
 * it. The seeds are not those that the verdict was tuned with (tests/corpus/simulated/README.md).
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
#include "tools/model/verdict.h"

#define SEED 20240229
#define SITES 40 /* of each class */

static struct simulated_site site;
static struct simulated_profile made;

static struct judgement judge(void)
{
	return verdict_judge(&made.profile, &made.site, 0, made.profile.snapshot_count - 1);
}

static void make(int class, size_t periods, bool is_automatic, uint64_t number, double period_s)
{
	simulated_site_make(&site, (enum simulated_class) class, periods, is_automatic, SEED,
			    number);
	simulated_profile_make(&made, &site, period_s);
}

/* ---- precision and recall ---- */

static void expect_quality(int first, int end, size_t periods, bool is_automatic,
			   double least_precision, double least_recall)
{
	double right = 0, wrong = 0, leaks = 0;
	for (int class = first; class < end; class ++) {
		for (uint64_t i = 0; i < SITES; i++) {
			make(class, periods, is_automatic, i, 10);
			*(simulated_leaks[class] ? &right : &wrong) += judge().is_flagged;
			leaks += simulated_leaks[class];
		}
	}
	double precision = right / fmax(1, right + wrong), recall = right / leaks;
	print_message("    seed %d, %d classes, %zu snapshots%s: precision %.3f, recall %.3f\n",
		      SEED, end - first, periods, is_automatic ? ", automatic" : "", precision,
		      recall);
	assert_true(precision >= least_precision);
	assert_true(recall >= least_recall);
}

static void forty_snapshots_tell_the_first_classes_apart(void **state)
{
	(void)state;
	/* The best published result on C and C++ allocation sites is 0.93 and 0.88. */
	expect_quality(0, SIMULATED_FIRST_COUNT, 40, false, 0.98, 0.96);
	expect_quality(0, SIMULATED_FIRST_COUNT, 80, false, 0.98, 0.96);
}

static void all_classes_keep_their_precision(void **state)
{
	(void)state;
	expect_quality(0, SIMULATED_TUNED_COUNT, 20, false, 0.95, 0.75);
	expect_quality(0, SIMULATED_TUNED_COUNT, 40, false, 0.97, 0.88);
	expect_quality(0, SIMULATED_TUNED_COUNT, 80, false, 0.97, 0.90);
	expect_quality(0, SIMULATED_TUNED_COUNT, 200, false, 0.97, 0.90);
}

static void nothing_is_flagged_that_is_as_likely_as_not(void **state)
{
	const size_t lengths[] = {20, 40, 80};
	size_t flagged = 0;

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++)
		for (int class = 0; class < SIMULATED_TUNED_COUNT; class ++)
			for (uint64_t i = 0; i < SITES; i++) {
				make(class, lengths[l], false, i, 10);
				struct judgement judgement = judge();
				if (judgement.is_flagged)
					assert_true(judgement.confidence >= 0.6);
				flagged += judgement.is_flagged;
			}
	assert_true(flagged > 100);
}

static void snapshots_that_become_rarer_keep_it_too(void **state)
{
	(void)state;
	expect_quality(0, SIMULATED_TUNED_COUNT, 40, true, 0.97, 0.83);
}

static void classes_that_were_not_tuned_with_are_told_apart(void **state)
{
	(void)state;
	expect_quality(SIMULATED_TUNED_COUNT, SIMULATED_CLASS_COUNT, 40, false, 0.93, 0.88);
}

/* Of a process that samples less is known, but not wrongly. */
static void samples_flag_less_and_not_more(void **state)
{
	(void)state;
	double right = 0, wrong = 0;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		if (class == SIMULATED_lengthening_buffer || class == SIMULATED_appended_buffers ||
		    class == SIMULATED_doubling_vector || class == SIMULATED_staircase_table ||
		    class == SIMULATED_high_water_buffer)
			continue; /* their blocks change their size, and with it their chance */
		for (uint64_t i = 0; i < SITES; i++) {
			simulated_site_make(&site, (enum simulated_class) class, 40, false, SEED,
					    i);
			simulated_site_sample(&site, 20000);
			simulated_profile_make(&made, &site, 10);
			*(simulated_leaks[class] ? &right : &wrong) += judge().is_flagged;
		}
	}
	print_message("    seed %d, sampled: %.0f leaks and %.0f healthy sites flagged\n", SEED,
		      right, wrong);
	assert_true(right > 150);
	assert_true(wrong <= 0.05 * (right + wrong));
}

static void a_few_snapshots_flag_nothing(void **state)
{
	(void)state;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		for (size_t periods = 1; periods < 12; periods++) {
			make(class, periods, false, periods, 10);
			assert_false(judge().is_flagged);
		}
	}
}

/* ---- what must not change it ---- */

static void expect_same(const struct judgement *one, const struct judgement *other, int class,
			const char *what)
{
	if (one->verdict != other->verdict || fabs(one->confidence - other->confidence) > 1e-6 ||
	    one->snapshots_needed != other->snapshots_needed)
		fail_msg("%s: %s changes %s (%g) to %s (%g)", simulated_names[class], what,
			 verdict_name(one->verdict), one->confidence, verdict_name(other->verdict),
			 other->confidence);
}

static void expect_near(double one, double other)
{
	assert_true(fabs(one - other) <= 1e-6 * (fabs(one) + fabs(other)) + 1e-9);
}

static void seconds_or_milliseconds_make_no_difference(void **state)
{
	(void)state;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		for (uint64_t i = 0; i < 10; i++) {
			make(class, 30, i % 2, i, 64);
			struct judgement slow = judge();
			make(class, 30, i % 2, i, 0.0625); /* powers of 2: exact */
			struct judgement fast = judge();
			expect_same(&slow, &fast, class, "the unit of time");
			expect_near(slow.growth.bytes_per_hour * 1024, fast.growth.bytes_per_hour);
			expect_near(slow.growth.since_s, fast.growth.since_s * 1024);
			expect_near(slow.evidence.age_s, fast.evidence.age_s * 1024);
		}
	}
}

static void longer_blocks_make_only_the_rate_larger(void **state)
{
	(void)state;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		for (uint64_t i = 0; i < 10; i++) {
			make(class, 30, false, i, 10);
			struct judgement once = judge();
			for (size_t t = 0; t < site.periods; t++) {
				made.points[t].live_bytes *= 8;
				made.points[t].allocated_bytes *= 8;
				for (uint32_t c = 0; c < made.points[t].cohort_count; c++)
					made.cohorts[t][c].bytes *= 8;
			}
			struct judgement eightfold = judge();
			expect_same(&once, &eightfold, class, "the size of blocks");
			expect_near(once.growth.bytes_per_hour * 8,
				    eightfold.growth.bytes_per_hour);
			expect_near(once.growth.blocks_per_hour, eightfold.growth.blocks_per_hour);
		}
	}
}

/* What was there from the beginning and stays says nothing. */
static void a_base_that_stays_hides_no_leak_and_makes_none(void **state)
{
	(void)state;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		for (uint64_t i = 0; i < 10; i++) {
			make(class, 40, false, i, 10);
			struct judgement bare = judge();
			if (site.bytes[39][39] || bare.evidence.is_of_length)
				continue; /* the number of buffers is part of that question */
			for (size_t t = 0; t < site.periods; t++)
				site.blocks[t][0] += 100000;
			site.births[0] += 100000;
			simulated_profile_make(&made, &site, 10);
			struct judgement based = judge();
			if (bare.is_flagged != based.is_flagged)
				fail_msg("%s, site %d: a base changes %s to %s",
					 simulated_names[class], (int)i, verdict_name(bare.verdict),
					 verdict_name(based.verdict));
		}
	}
}

static void the_same_numbers_give_the_same_answer(void **state)
{
	(void)state;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		make(class, 50, true, 1, 10);
		struct judgement first = judge();
		make(SIMULATED_linear_leak, 80, false, 2, 10); /* another one in between */
		judge();
		make(class, 50, true, 1, 10);
		struct judgement second = judge();
		expect_same(&first, &second, class, "what was judged before");
		assert_true(first.growth.bytes_per_hour == second.growth.bytes_per_hour);
	}
}

/* A group of sites is judged like one: a part of the leak in each of them. */
static void a_leak_spread_over_sites_is_found_in_their_sum(void **state)
{
	(void)state;
	static struct cohort_series sum, part;
	unsigned found = 0, alone = 0;
	enum { GROUPS = 20, PARTS = 20 };
	for (uint64_t group = 0; group < GROUPS; group++) {
		for (uint64_t i = 0; i < PARTS; i++) {
			simulated_site_make(&site, SIMULATED_short_lives, 40, false, SEED,
					    group * PARTS + i);
			/* One block in twenty periods. */
			for (size_t b = i; b < 40; b += PARTS) {
				site.births[b]++;
				for (size_t t = b; t < 40; t++)
					site.blocks[t][b]++;
			}
			simulated_profile_make(&made, &site, 10);
			alone += judge().is_flagged;
			cohort_series_make(&part, &made.profile, &made.site, 0, 39);
			if (i == 0)
				sum = part;
			else
				cohort_series_add(&sum, &part);
		}
		found += verdict_judge_series(&sum, NULL).is_flagged;
	}
	print_message("    found in %u of %u sums, in %u of %u parts\n", found, GROUPS, alone,
		      GROUPS * PARTS);
	assert_true(found >= GROUPS * 9 / 10);
	assert_true(alone <= GROUPS * PARTS / 50);
}

/* Nonsense that a hostile file may hold: no crash, no endless loop, numbers that can be printed. */
static void nonsense_is_judged_without_harm(void **state)
{
	(void)state;
	struct random_source random = random_from(SEED, 0);
	for (int round = 0; round < 2000; round++) {
		size_t periods = (size_t)random_uniform(&random, 1, 70);
		make((int)random_uniform(&random, 0, SIMULATED_CLASS_COUNT), periods, false,
		     (uint64_t)round, 1);
		for (int damage = 0; damage < 10; damage++) {
			size_t t = (size_t)random_uniform(&random, 0, (double)periods);
			uint64_t huge = (uint64_t)random_scale(&random, 1, 1e19);
			switch ((int)random_uniform(&random, 0, 6)) {
			case 0:
				made.snapshots[t].time_s = random_uniform(&random, -10, 10);
				break;
			case 1:
				made.snapshots[t].epoch = (uint32_t)huge;
				break;
			case 2:
				made.points[t].live_blocks = huge;
				break;
			case 3:
				made.points[t].allocations = huge;
				break;
			case 4:
				made.snapshots[t].raw.allocations = huge;
				break;
			default:
				for (uint32_t c = 0; c < made.points[t].cohort_count; c++)
					made.cohorts[t][c].blocks = huge / (c + 1);
			}
		}
		struct judgement judgement = judge();
		assert_true(judgement.confidence >= 0 && judgement.confidence <= 1);
		assert_true(isfinite(judgement.growth.bytes_per_hour));
		assert_true(isfinite(judgement.growth.bytes_per_hour_ci95[0]));
		assert_true(isfinite(judgement.growth.blocks_per_hour));
		assert_true(isfinite(judgement.growth.since_s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forty_snapshots_tell_the_first_classes_apart),
		cmocka_unit_test(all_classes_keep_their_precision),
		cmocka_unit_test(nothing_is_flagged_that_is_as_likely_as_not),
		cmocka_unit_test(snapshots_that_become_rarer_keep_it_too),
		cmocka_unit_test(classes_that_were_not_tuned_with_are_told_apart),
		cmocka_unit_test(samples_flag_less_and_not_more),
		cmocka_unit_test(a_few_snapshots_flag_nothing),
		cmocka_unit_test(seconds_or_milliseconds_make_no_difference),
		cmocka_unit_test(longer_blocks_make_only_the_rate_larger),
		cmocka_unit_test(a_base_that_stays_hides_no_leak_and_makes_none),
		cmocka_unit_test(the_same_numbers_give_the_same_answer),
		cmocka_unit_test(a_leak_spread_over_sites_is_found_in_their_sum),
		cmocka_unit_test(nonsense_is_judged_without_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
