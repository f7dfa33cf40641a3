/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mark_judgement: which marks are asked, and what they make of a judgement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/read_run.h"
#include "tools/model/equal_marks.h"
#include "tools/model/mark_judgement.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/verdict.h"

#define MAX_SNAPSHOTS 512
#define BYTES 100

/* A run of so many snapshots, one every 10 s: the label of each ("": it is no mark), and the live
 * blocks of its sites. */
struct run {
	uint32_t count;
	const char *labels[MAX_SNAPSHOTS];
	size_t site_count;
	uint32_t blocks[40][MAX_SNAPSHOTS];
};

static struct run run;

static void begin(uint32_t count, size_t site_count)
{
	memset(&run, 0, sizeof(run));
	run.count = count;
	run.site_count = site_count;
	for (uint32_t i = 0; i < count; i++)
		run.labels[i] = "";
}

/* Of each site all live blocks were born when their number last rose: nothing is known of ages. */
static struct profile *read_run(void)
{
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= run.site_count; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + id * 16, 0);
	uint64_t allocations = 0;
	for (uint32_t n = 0; n < run.count; n++) {
		profile_writer_snapshot(&writer, n + 1, 10 * (n + 1), SEEP_SNAPSHOT_IS_KEYFRAME,
					*run.labels[n] ? SEEP_REASON_MARK : SEEP_REASON_INTERVAL,
					run.labels[n]);
		allocations += 100;
		for (uint32_t id = 1; id <= run.site_count; id++) {
			uint32_t blocks = run.blocks[id - 1][n];
			profile_writer_entry(&writer, id, blocks, blocks * BYTES, allocations,
					     blocks > 0);
			if (blocks)
				profile_writer_cohort(&writer, n + 1, blocks, blocks * BYTES);
		}
		profile_writer_snapshot_done(&writer);
	}
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

static const struct judgement *judged(const struct report *report, uint32_t stack)
{
	return &report_site_on(report, stack)->judgement;
}

/* ---- which marks ---- */

/* Nor where all the rest of the run is ends: marks times ends are too many to look at. */
static void as_many_labels_as_marks_do_not_take_for_ever(void **state)
{
	(void)state;
	enum { MARKS = 200000 };
	struct equal_marks marks;
	struct profile profile = {.snapshot_count = 2 * MARKS};
	char(*labels)[8] = calloc(MARKS, sizeof(*labels));
	profile.snapshots = calloc(profile.snapshot_count, sizeof(*profile.snapshots));
	assert_true(labels && profile.snapshots);
	for (size_t i = 0; i < profile.snapshot_count; i++) {
		struct snapshot *snapshot = &profile.snapshots[i];
		snapshot->time_s = (double)i;
		snapshot->reason = i < MARKS ? SEEP_REASON_MARK : SEEP_REASON_FINAL;
		snapshot->label = "";
		if (i >= MARKS)
			continue;
		snprintf(labels[i], sizeof(labels[i]), "%06u", (unsigned)i % 1000000);
		snapshot->label = labels[i];
	}
	assert_true(equal_marks_find(&marks, &profile, 0, profile.snapshot_count - 1));
	assert_int_equal(marks.label_count, EQUAL_MARKS_LABELS);
	assert_true(marks.labels[0].mark_count == 1);
	free(profile.snapshots);
	free(labels);
}

static void labels_come_with_the_most_frequent_first_and_without_the_first_mark(void **state)
{
	(void)state;
	static const char *const labels[] = {"",     "busy", "idle", "busy",
					     "idle", "",     "idle", "once"};
	struct equal_marks marks;
	begin(8, 0);
	memcpy(run.labels, labels, sizeof(labels));
	struct profile *profile = read_run();
	assert_true(equal_marks_find(&marks, profile, 0, 7));
	assert_int_equal(marks.label_count, 3);
	assert_string_equal(marks.labels[0].text, "idle");
	assert_int_equal(marks.labels[0].mark_count, 3);
	assert_int_equal(marks.labels[0].used_count, 2);
	assert_int_equal(marks.labels[0].used[0], 4);
	assert_int_equal(marks.labels[0].used[1], 6);
	assert_string_equal(marks.labels[2].text, "once");
	assert_int_equal(marks.labels[2].used_count, 0);
	/* Only of the judged part. */
	assert_true(equal_marks_find(&marks, profile, 3, 5));
	assert_int_equal(marks.label_count, 2);
	assert_int_equal(marks.labels[0].mark_count, 1);
	/* A label alone makes no mark. */
	profile->snapshots[6].reason = SEEP_REASON_REQUEST;
	assert_true(equal_marks_find(&marks, profile, 0, 7));
	assert_int_equal(marks.labels[0].mark_count, 2);
	profile_free(profile);
}

static void of_many_marks_equally_spaced_ones_are_taken(void **state)
{
	(void)state;
	struct equal_marks marks;
	begin(400, 0);
	for (uint32_t i = 0; i < run.count; i++)
		run.labels[i] = "idle";
	struct profile *profile = read_run();
	assert_true(equal_marks_find(&marks, profile, 0, 399));
	const struct mark_label *label = &marks.labels[0];
	assert_int_equal(label->mark_count, 400);
	assert_int_equal(label->used_count, 57); /* of 399 every 7th */
	assert_int_equal(label->used[56], 399);
	for (size_t i = 1; i < label->used_count; i++)
		assert_int_equal(label->used[i], label->used[i - 1] + 7);
	assert_true(label->used[0] > 0);
	profile_free(profile);
}

static void of_many_labels_those_with_the_most_marks_are_taken(void **state)
{
	(void)state;
	static char names[20][8];
	struct equal_marks marks;
	begin(210, 0);
	uint32_t n = 0;
	for (uint32_t i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", i);
		for (uint32_t times = 0; times <= i; times++)
			run.labels[n++] = names[i];
	}
	struct profile *profile = read_run();
	assert_true(equal_marks_find(&marks, profile, 0, 209));
	assert_int_equal(marks.label_count, EQUAL_MARKS_LABELS);
	for (size_t i = 0; i < marks.label_count; i++)
		assert_int_equal(marks.labels[i].mark_count, 20 - i);
	profile_free(profile);
}

static void marks_of_long_ago_tell_nothing(void **state)
{
	(void)state;
	struct equal_marks marks;
	begin(40, 0);
	for (uint32_t i = 0; i < 10; i++)
		run.labels[i] = "idle";
	struct profile *profile = read_run();
	assert_true(equal_marks_find(&marks, profile, 0, 39));
	assert_false(equal_marks_tell(&marks.labels[0]));
	assert_true(equal_marks_find(&marks, profile, 0, 11));
	assert_true(equal_marks_tell(&marks.labels[0]));
	/* Nor do few. */
	assert_true(equal_marks_find(&marks, profile, 0, 3));
	assert_false(equal_marks_tell(&marks.labels[0]));
	profile_free(profile);
}

/* ---- leaks ---- */

static void six_marks_are_enough_for_a_block_a_round(void **state)
{
	(void)state;
	begin(6, 2);
	for (uint32_t i = 0; i < 6; i++) {
		run.labels[i] = "idle";
		run.blocks[0][i] = 7 + i;
		run.blocks[1][i] = 50; /* never more */
	}
	struct profile *profile = read_run();
	struct report *report = report_on(profile, NULL);
	const struct judgement *judgement = judged(report, 1);
	assert_int_equal(judgement->verdict, VERDICT_LEAK);
	assert_true(judgement->is_flagged);
	assert_true(judgement->confidence > 0.9);
	/* A block of 100 bytes every 10 s. */
	assert_true(fabs(judgement->growth.bytes_per_hour - 36000) < 1);
	assert_true(fabs(judgement->growth.blocks_per_hour - 360) < 0.01);
	assert_int_equal(judgement->marks.word, MARKS_SAY_GROWS);
	assert_string_equal(judgement->marks.label, "idle");
	assert_int_equal(judgement->marks.mark_count, 6);
	assert_int_equal(judgement->marks.steps, 4);
	assert_int_equal(judgement->marks.grew, 4);
	assert_true(fabs(judgement->evidence.drift_p - 1 / 120.0) < 1e-6);
	assert_int_not_equal(judged(report, 2)->verdict, VERDICT_LEAK);
	assert_false(judged(report, 2)->is_flagged);
	report_free(report);

	/* Without its first two snapshots four marks are left, of which only three count. */
	report = report_on(profile, &(struct report_options){.first_snapshot = 2});
	assert_false(judged(report, 1)->is_flagged);
	assert_null(judged(report, 1)->marks.label);
	report_free(report);

	/* Nor are they marks without saying so. */
	for (size_t i = 0; i < profile->snapshot_count; i++)
		profile->snapshots[i].reason = SEEP_REASON_REQUEST;
	report = report_on(profile, NULL);
	assert_false(judged(report, 1)->is_flagged);
	report_free(report);
	profile_free(profile);
}

static void uneven_growth_over_few_marks_is_a_suspicion(void **state)
{
	(void)state;
	static const uint32_t blocks[] = {10, 30, 61, 84, 110};
	begin(5, 1);
	for (uint32_t i = 0; i < 5; i++) {
		run.labels[i] = "idle";
		run.blocks[0][i] = blocks[i];
	}
	struct profile *profile = read_run();
	struct report *report = report_on(profile, NULL);
	const struct judgement *judgement = judged(report, 1);
	assert_int_equal(judgement->verdict, VERDICT_GROWING);
	assert_false(judgement->is_flagged);
	assert_int_equal(judgement->marks.word, MARKS_SAY_RISES);
	assert_true(judgement->snapshots_needed > 0);
	assert_true(judgement->confidence > 0 && judgement->confidence < 0.5);
	assert_true(judgement->growth.bytes_per_hour > 0);
	report_free(report);
	profile_free(profile);
}

static void among_many_sites_that_vary_few_marks_are_no_proof(void **state)
{
	(void)state;
	static const uint32_t noise[] = {50, 53, 49, 51, 48, 52};
	begin(6, 40);
	for (uint32_t i = 0; i < 6; i++) {
		run.labels[i] = "idle";
		run.blocks[0][i] = 7 + i;
		for (size_t s = 1; s < run.site_count; s++)
			run.blocks[s][i] = noise[(i + s) % 6];
	}
	struct profile *profile = read_run();
	struct report *report = report_on(profile, NULL);
	for (uint32_t stack = 1; stack <= 40; stack++)
		assert_false(judged(report, stack)->is_flagged);
	assert_int_equal(judged(report, 1)->verdict, VERDICT_GROWING);
	assert_int_equal(judged(report, 1)->marks.word, MARKS_SAY_GROWS);
	report_free(report);
	profile_free(profile);

	/* Sites that never vary could not have grown by chance. */
	for (uint32_t i = 0; i < 6; i++)
		for (size_t s = 1; s < run.site_count; s++)
			run.blocks[s][i] = 50;
	profile = read_run();
	report = report_on(profile, NULL);
	assert_true(judged(report, 1)->is_flagged);
	report_free(report);
	profile_free(profile);
}

/* ---- more labels than one ---- */

/* "busy" and "idle" by turns: of one site both grow, of one only what "busy" needs, of one that which
 * "idle" has goes up and down. */
static void one_label_where_it_is_level_clears_a_site(void **state)
{
	(void)state;
	static const uint32_t noise[] = {20, 90, 45, 70, 33, 81, 52, 64, 29, 77};
	begin(20, 3);
	for (uint32_t i = 0; i < 20; i++) {
		bool is_idle = i % 2;
		run.labels[i] = is_idle ? "idle" : "busy";
		run.blocks[0][i] = (is_idle ? 5 : 100) + i;
		run.blocks[1][i] = is_idle ? 5 : 100 + 10 * i;
		run.blocks[2][i] = is_idle ? noise[i / 2] : 100 + 10 * i;
	}
	struct profile *profile = read_run();
	struct report *report = report_on(profile, NULL);
	assert_true(judged(report, 1)->is_flagged);
	assert_false(judged(report, 2)->is_flagged);
	assert_int_not_equal(judged(report, 2)->verdict, VERDICT_GROWING);
	assert_true(judged(report, 3)->is_flagged);
	assert_string_equal(judged(report, 3)->marks.label, "busy");
	report_free(report);
	profile_free(profile);
}

/* ---- level ---- */

static struct judgement judged_before(enum verdict verdict)
{
	return (struct judgement){
		.verdict = verdict,
		.is_flagged = verdict == VERDICT_LEAK,
		.confidence = 0.99,
		.severity = SEVERITY_HIGH,
		.growth = {.bytes_per_hour = 360 * BYTES,
			   .blocks_per_hour = 360,
			   .since_s = 10,
			   .time_to_limit_s = NAN},
		.snapshots_needed = 3,
		.evidence = {.periods = 30, .periods_that_kept = 30, .drift_p = 1e-6},
	};
}

static struct judgement correct(const struct profile *profile, struct judgement judgement)
{
	struct equal_marks marks;
	assert_true(equal_marks_find(&marks, profile, 0, profile->snapshot_count - 1));
	mark_judgement_make(&marks, profile, &profile->sites[0], 0, profile->snapshot_count - 1,
			    &judgement);
	return judgement;
}

static struct judgement corrected(const struct profile *profile, enum verdict before)
{
	return correct(profile, judged_before(before));
}

static void what_is_level_at_marks_is_cleared_with_the_word_that_fits(void **state)
{
	(void)state;
	begin(40, 1);
	for (uint32_t i = 0; i < 40; i++) {
		run.labels[i] = i % 4 == 3 ? "idle" : "";
		run.blocks[0][i] = 50;
	}
	struct profile *profile = read_run();
	static const enum verdict grows[] = {VERDICT_LEAK, VERDICT_GROWING};
	for (size_t i = 0; i < 2; i++) {
		struct judgement judgement = corrected(profile, grows[i]);
		assert_int_equal(judgement.verdict, VERDICT_STABLE);
		assert_false(judgement.is_flagged);
		assert_int_equal(judgement.marks.word, MARKS_SAY_LEVEL);
		assert_int_equal(judgement.marks.mark_count, 10);
		assert_true(judgement.growth.bytes_per_hour == 0);
		assert_int_equal(judgement.snapshots_needed, 0);
		assert_int_equal(judgement.severity, SEVERITY_LOW);
		assert_true(isnan(judgement.evidence.drift_p));
	}
	/* Of what was not said to grow nothing has to be taken back. */
	struct judgement judgement = corrected(profile, VERDICT_SATURATING);
	assert_int_equal(judgement.verdict, VERDICT_SATURATING);
	assert_int_equal(judgement.marks.word, MARKS_SAY_NOTHING);
	profile_free(profile);

	for (uint32_t i = 0; i < 40; i++)
		run.blocks[0][i] = i < 5 ? 10 * i : 50;
	profile = read_run();
	assert_int_equal(corrected(profile, VERDICT_LEAK).verdict, VERDICT_PLATEAU);
	profile_free(profile);

	/* A wave, marked where it is lowest. */
	begin(60, 1);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t since = (i + 5) % 8;
		run.labels[i] = since ? "" : "idle";
		run.blocks[0][i] = 10 + 20 * (since < 4 ? since : 8 - since);
	}
	profile = read_run();
	assert_int_equal(corrected(profile, VERDICT_LEAK).verdict, VERDICT_PERIODIC);
	profile_free(profile);
}

static void growth_after_the_marks_is_not_cleared(void **state)
{
	(void)state;
	begin(40, 1);
	for (uint32_t i = 0; i < 40; i++) {
		run.labels[i] = i < 20 && i % 2 ? "idle" : "";
		run.blocks[0][i] = i < 20 ? 50 : 50 + i;
	}
	struct profile *profile = read_run();
	struct judgement judgement = corrected(profile, VERDICT_LEAK);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_null(judgement.marks.label);
	profile_free(profile);
}

static void a_leak_that_is_known_without_them_keeps_its_figures(void **state)
{
	(void)state;
	begin(40, 1);
	for (uint32_t i = 0; i < 40; i++) {
		run.labels[i] = i % 4 == 3 ? "idle" : "";
		run.blocks[0][i] = 50 + i;
	}
	struct profile *profile = read_run();
	struct judgement judgement = corrected(profile, VERDICT_LEAK);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_int_equal(judgement.marks.word, MARKS_SAY_GROWS);
	assert_true(judgement.evidence.drift_p == 1e-6);
	assert_true(judgement.growth.since_s == 10);
	/* What slows down, as its ages say, is no leak although it went up each time. */
	judgement = corrected(profile, VERDICT_SATURATING);
	assert_int_equal(judgement.verdict, VERDICT_SATURATING);
	judgement = judged_before(VERDICT_GROWING);
	judgement.evidence.is_slowing = true;
	assert_int_equal(correct(profile, judgement).verdict, VERDICT_GROWING);
	profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			labels_come_with_the_most_frequent_first_and_without_the_first_mark),
		cmocka_unit_test(as_many_labels_as_marks_do_not_take_for_ever),
		cmocka_unit_test(of_many_marks_equally_spaced_ones_are_taken),
		cmocka_unit_test(of_many_labels_those_with_the_most_marks_are_taken),
		cmocka_unit_test(marks_of_long_ago_tell_nothing),
		cmocka_unit_test(six_marks_are_enough_for_a_block_a_round),
		cmocka_unit_test(uneven_growth_over_few_marks_is_a_suspicion),
		cmocka_unit_test(among_many_sites_that_vary_few_marks_are_no_proof),
		cmocka_unit_test(one_label_where_it_is_level_clears_a_site),
		cmocka_unit_test(what_is_level_at_marks_is_cleared_with_the_word_that_fits),
		cmocka_unit_test(growth_after_the_marks_is_not_cleared),
		cmocka_unit_test(a_leak_that_is_known_without_them_keeps_its_figures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
