/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threshold: which thresholds a run has crossed, by how much and since when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/threshold.h"

#define HOUR_S 3600.0

/* What a run holds at a second of it; two sites, the second of 100 bytes. */
typedef uint64_t course(unsigned second);

struct run {
	struct profile_writer writer;
	struct profile *profile;
	struct report *report;
	struct thresholds thresholds;
};

static void start(struct run *run, course *first_site, unsigned seconds, uint64_t rss)
{
	thresholds_clear(&run->thresholds);
	run->report = NULL;
	run->profile = NULL;
	profile_writer_start(&run->writer);
	profile_writer_process(&run->writer, 1, "p");
	profile_writer_node(&run->writer, 1, 0, 0x5000, 0);
	profile_writer_node(&run->writer, 2, 1, 0x6000, 0);
	for (unsigned i = 1; i <= seconds; i++) {
		uint64_t bytes = first_site(i);

		profile_writer_snapshot(&run->writer, i, i, SEEP_SNAPSHOT_IS_KEYFRAME,
					SEEP_REASON_INTERVAL, "");
		run->writer.snapshot.rss_bytes = rss;
		if (bytes) {
			profile_writer_entry(&run->writer, 1, 1, bytes, i, 1);
			profile_writer_cohort(&run->writer, 1, 1, bytes);
		}
		profile_writer_entry(&run->writer, 2, 1, 100, i, 1);
		profile_writer_cohort(&run->writer, 1, 1, 100);
		profile_writer_snapshot_done(&run->writer);
	}
}

/* The report on snapshots from index `first` on. */
static void build(struct run *run, size_t first)
{
	run->profile = profile_writer_read(&run->writer);
	assert_int_equal(run->profile->damage.damaged_records, 0);
	struct thresholds all = thresholds_with_logged(&run->thresholds, run->profile);
	const struct report_options options = {
		.first_snapshot = first, .is_kept = thresholds_concern_site, .context = &all};
	assert_int_equal(report_build(run->profile, &options, &run->report, NULL), 0);
}

static const struct crossing *check(struct run *run, size_t expected)
{
	struct thresholds all = thresholds_with_logged(&run->thresholds, run->profile);

	assert_int_equal(thresholds_check(&all, run->report), 0);
	assert_int_equal(run->report->crossing_count, expected);
	return run->report->crossings;
}

static void end(struct run *run)
{
	report_free(run->report);
	profile_free(run->profile);
	profile_writer_free(&run->writer);
}

static uint64_t leaks(unsigned second)
{
	return 100000 + second * 1000;
}

static uint64_t has_a_peak(unsigned second)
{
	return second == 20 || second == 21 ? 5000 : 1000;
}

static uint64_t tidies_up(unsigned second)
{
	return second < 40 ? 5000 + second * 10 : 0;
}

static uint64_t swings(unsigned second)
{
	return 1000000 + second * 7919 % 13 * 100000;
}

static void says_nothing_without_thresholds(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 40, 100);
	build(&run, 0);
	check(&run, 0);
	end(&run);
}

static void says_nothing_of_what_is_not_crossed(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 40, 1 << 20);
	for (size_t kind = 0; kind < THRESHOLD_KINDS; kind++)
		run.thresholds.limits[kind] = kind == THRESHOLD_HEAP_SHARE ? 0.9 : 5e6;
	build(&run, 0);
	check(&run, 0);
	end(&run);
}

static void growth_is_the_median_slope(void **state)
{
	struct run run;
	const struct crossing *crossing;

	(void)state;
	start(&run, leaks, 40, 0);
	run.thresholds.limits[THRESHOLD_GROWTH] = 999 * HOUR_S;
	build(&run, 0);
	crossing = check(&run, 1);
	assert_int_equal(crossing->kind, THRESHOLD_GROWTH);
	assert_null(crossing->site);
	assert_float_equal(crossing->value, 1000 * HOUR_S, 1);
	assert_float_equal(crossing->limit, 999 * HOUR_S, 1);
	/* After the first 15 %, and there from the beginning. */
	assert_float_equal(crossing->at_s, 6, 0.1);
	run.thresholds.limits[THRESHOLD_GROWTH] = 1001 * HOUR_S;
	check(&run, 0);
	end(&run);
}

static void growth_needs_as_many_snapshots_as_a_verdict(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 13, 0);
	run.thresholds.limits[THRESHOLD_GROWTH] = 1;
	build(&run, 0);
	check(&run, 1);
	end(&run);
	start(&run, leaks, 12, 0);
	run.thresholds.limits[THRESHOLD_GROWTH] = 1;
	build(&run, 0);
	check(&run, 0);
	end(&run);
}

static void what_is_not_sure_to_rise_does_not_grow(void **state)
{
	struct run run;

	(void)state;
	start(&run, swings, 40, 0);
	run.thresholds.limits[THRESHOLD_GROWTH] = 0;
	build(&run, 0);
	check(&run, 0);
	end(&run);
}

static void more_snapshots_than_a_trend_can_take_are_no_harm(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 1000, 0);
	run.thresholds.limits[THRESHOLD_GROWTH] = 0;
	build(&run, 0);
	assert_float_equal(check(&run, 1)->value, 1000 * HOUR_S, 1);
	end(&run);
}

static void a_level_counts_in_any_snapshot(void **state)
{
	struct run run;
	const struct crossing *crossing;

	(void)state;
	start(&run, has_a_peak, 40, 10000);
	run.thresholds.limits[THRESHOLD_LIVE] = 5000;
	run.thresholds.limits[THRESHOLD_HEAP_SHARE] = 0.5;
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 4999;
	build(&run, 0);
	crossing = check(&run, 3);
	assert_int_equal(crossing[0].kind, THRESHOLD_LIVE);
	assert_float_equal(crossing[0].value, 5100, 0.1);
	assert_float_equal(crossing[0].at_s, 20, 0.1);
	assert_int_equal(crossing[1].kind, THRESHOLD_HEAP_SHARE);
	assert_float_equal(crossing[1].value, 0.51, 1e-9);
	assert_int_equal(crossing[2].kind, THRESHOLD_SITE_LIVE);
	assert_int_equal(crossing[2].site->stack, 1);
	for (size_t i = 0; i < run.report->site_count; i++)
		assert_int_equal(run.report->sites[i].has_crossed,
				 &run.report->sites[i] == crossing[2].site);
	assert_float_equal(crossing[2].value, 5000, 0.1);
	assert_float_equal(crossing[2].at_s, 20, 0.1);
	/* What is equal is not more. */
	run.thresholds.limits[THRESHOLD_LIVE] = 5100;
	run.thresholds.limits[THRESHOLD_HEAP_SHARE] = 0.51;
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 5000;
	check(&run, 0);
	end(&run);
}

static void only_the_judged_part_of_the_run_counts(void **state)
{
	struct run run;

	(void)state;
	start(&run, has_a_peak, 40, 10000);
	run.thresholds.limits[THRESHOLD_LIVE] = 1200;
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 1200;
	build(&run, 20); /* the second of the two seconds, index 20 */
	assert_float_equal(check(&run, 2)->at_s, 21, 0.1);
	end(&run);
	start(&run, has_a_peak, 40, 10000);
	run.thresholds.limits[THRESHOLD_LIVE] = 1200;
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 1200;
	build(&run, 21);
	check(&run, 0);
	end(&run);
}

/* A report leaves out what is empty at the end, unless it is wanted for this. */
static void a_site_counts_that_was_freed_at_the_end(void **state)
{
	struct run run;

	(void)state;
	start(&run, tidies_up, 40, 0);
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 5300;
	build(&run, 0);
	assert_float_equal(check(&run, 1)->value, 5390, 0.1);
	end(&run);
}

static void growth_of_a_site_is_the_verdicts(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 40, 0);
	run.thresholds.limits[THRESHOLD_SITE_GROWTH] = 70;
	build(&run, 0);
	struct judgement *judgement = &run.report->sites[0].judgement;
	judgement->verdict = VERDICT_GROWING;
	judgement->growth.bytes_per_hour = 71;
	judgement->growth.bytes_per_hour_ci95[0] = 1;
	judgement->growth.since_s = 4.5;
	const struct crossing *crossing = check(&run, 1);
	assert_int_equal(crossing->kind, THRESHOLD_SITE_GROWTH);
	assert_ptr_equal(crossing->site, &run.report->sites[0]);
	assert_float_equal(crossing->value, 71, 0);
	assert_float_equal(crossing->at_s, 4.5, 0);
	judgement->growth.bytes_per_hour_ci95[0] = -1;
	check(&run, 0);
	judgement->growth.bytes_per_hour_ci95[0] = 1;
	judgement->verdict = VERDICT_PLATEAU;
	check(&run, 0);
	judgement->verdict = VERDICT_LEAK;
	check(&run, 1);
	judgement->growth.bytes_per_hour = 70;
	check(&run, 0);
	end(&run);
}

static void a_rule_is_for_sites_with_its_function(void **state)
{
	static struct frame frames[] = {{.function = NULL}, {.function = "cache::get(int)"}};
	struct threshold_rule rules[] = {
		{.function = "server_*", .limits = {NAN, NAN, NAN, NAN, 1}},
		{.function = "cache::*", .limits = {NAN, NAN, NAN, NAN, INFINITY}},
		{.function = "*", .limits = {NAN, NAN, NAN, NAN, 2}},
	};
	struct run run;

	(void)state;
	start(&run, has_a_peak, 40, 0);
	run.thresholds.rules = rules;
	run.thresholds.rule_count = 2;
	assert_true(thresholds_need_symbols(&run.thresholds));
	run.thresholds.limits[THRESHOLD_SITE_LIVE] = 50;
	build(&run, 0);
	/* Nothing is known of functions: the general limit. */
	check(&run, 2);
	struct report_site *site = &run.report->sites[0];
	site->frames = frames;
	site->frame_count = 2;
	assert_true(check(&run, 1)->site != site);
	/* A limit of its own. */
	rules[1].limits[THRESHOLD_SITE_LIVE] = 10;
	assert_float_equal(check(&run, 2)->limit, 10, 0);
	/* The first rule that says something. */
	rules[1].limits[THRESHOLD_SITE_LIVE] = NAN;
	run.thresholds.rule_count = 3;
	assert_float_equal(check(&run, 2)->limit, 2, 0);
	end(&run);
}

static void what_the_program_was_told_counts_unless_somebody_else_is(void **state)
{
	struct run run;

	(void)state;
	start(&run, has_a_peak, 40, 10000);
	/* A snapshot that is no more had the most. */
	run.writer.time_ns = 30000000000;
	profile_writer_alert(&run.writer, (struct seep_alert){.snapshot = 30,
							      .kind = SEEP_ALERT_LIVE,
							      .value = 7000,
							      .limit = 6000});
	profile_writer_alert(&run.writer, (struct seep_alert){.snapshot = 30,
							      .kind = SEEP_ALERT_HEAP_SHARE,
							      .value = 700,
							      .limit = 400});
	build(&run, 0);
	const struct crossing *crossing = check(&run, 2);
	assert_float_equal(crossing[0].value, 7000, 0);
	assert_float_equal(crossing[0].limit, 6000, 0);
	assert_float_equal(crossing[0].at_s, 30, 0.1);
	assert_float_equal(crossing[1].value, 0.7, 1e-9);
	assert_float_equal(crossing[1].limit, 0.4, 1e-9);
	assert_float_equal(crossing[1].at_s, 20, 0.1);
	run.thresholds.limits[THRESHOLD_LIVE] = INFINITY;
	run.thresholds.limits[THRESHOLD_HEAP_SHARE] = 0.9;
	check(&run, 0);
	end(&run);
}

/* What grew for a moment is no growth of the run. */
static void an_alert_of_growth_is_judged_again(void **state)
{
	struct run run;

	(void)state;
	start(&run, has_a_peak, 40, 10000);
	profile_writer_alert(&run.writer, (struct seep_alert){.snapshot = 21,
							      .kind = SEEP_ALERT_GROWTH,
							      .value = 1000000,
							      .limit = 10});
	build(&run, 0);
	assert_int_equal(run.profile->alert_count, 1);
	check(&run, 0);
	end(&run);
}

static void a_file_without_snapshots_crosses_nothing(void **state)
{
	struct run run;

	(void)state;
	start(&run, leaks, 0, 0);
	for (size_t kind = 0; kind < THRESHOLD_KINDS; kind++)
		run.thresholds.limits[kind] = 0;
	build(&run, 0);
	check(&run, 0);
	end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_without_thresholds),
		cmocka_unit_test(says_nothing_of_what_is_not_crossed),
		cmocka_unit_test(growth_is_the_median_slope),
		cmocka_unit_test(growth_needs_as_many_snapshots_as_a_verdict),
		cmocka_unit_test(what_is_not_sure_to_rise_does_not_grow),
		cmocka_unit_test(more_snapshots_than_a_trend_can_take_are_no_harm),
		cmocka_unit_test(a_level_counts_in_any_snapshot),
		cmocka_unit_test(only_the_judged_part_of_the_run_counts),
		cmocka_unit_test(a_site_counts_that_was_freed_at_the_end),
		cmocka_unit_test(growth_of_a_site_is_the_verdicts),
		cmocka_unit_test(a_rule_is_for_sites_with_its_function),
		cmocka_unit_test(what_the_program_was_told_counts_unless_somebody_else_is),
		cmocka_unit_test(an_alert_of_growth_is_judged_again),
		cmocka_unit_test(a_file_without_snapshots_crosses_nothing),
	};

	return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
