/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_report: order, counts, curves and ids of sites.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/read_run.h"
#include "tools/model/arena.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

/* Stack 1 leaks slowly, 2 is large and constant, 3 is traffic that is gone at the end, 4 leaks
 * faster and is freed in the final snapshot. */
static struct profile *read_run(uint32_t snapshots, double interval_s)
{
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= 4; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + id * 16, 0);
	for (uint32_t n = 1; n <= snapshots; n++) {
		bool is_final = n == snapshots;
		profile_writer_snapshot(&writer, n, interval_s * n, SEEP_SNAPSHOT_IS_KEYFRAME,
					is_final ? SEEP_REASON_FINAL : SEEP_REASON_INTERVAL, "");
		profile_writer_entry(&writer, 1, n, 10 * n, n, n);
		for (uint32_t epoch = 1; epoch <= n; epoch++)
			profile_writer_cohort(&writer, epoch, 1, 10);
		profile_writer_entry(&writer, 2, 5, 1000000, 8, 1);
		profile_writer_cohort(&writer, 1, 5, 1000000);
		profile_writer_entry(&writer, 3, is_final ? 0 : 7, is_final ? 0 : 700, 7 * n,
				     !is_final);
		if (!is_final)
			profile_writer_cohort(&writer, n, 7, 700);
		profile_writer_entry(&writer, 4, is_final ? 0 : n, is_final ? 0 : 100 * n, n,
				     is_final ? 0 : n);
		for (uint32_t epoch = 1; epoch <= n && !is_final; epoch++)
			profile_writer_cohort(&writer, epoch, 1, 100);
		profile_writer_snapshot_done(&writer);
	}
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

static const struct report_site *find_stack(const struct report *report, uint32_t stack)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].stack == stack)
			return &report->sites[i];
	return NULL;
}

static void what_needs_attention_comes_first(void **state)
{
	(void)state;
	struct profile *profile = read_run(40, 10);
	struct report *report = report_on(profile, NULL);
	assert_int_equal(report->site_count, 3);
	assert_int_equal(report->sites[0].stack, 4); /* faster */
	assert_int_equal(report->sites[1].stack, 1); /* slower */
	assert_int_equal(report->sites[2].stack, 2); /* large, but constant */
	assert_int_equal(report->sites[0].judgement.verdict, VERDICT_LEAK);
	assert_int_equal(report->sites[1].judgement.verdict, VERDICT_LEAK);
	assert_int_equal(report->sites[2].judgement.verdict, VERDICT_STABLE);
	report_free(report);
	profile_free(profile);
}

static void counts_say_what_was_freed_and_what_was_the_most(void **state)
{
	(void)state;
	struct profile *profile = read_run(40, 10);
	struct report *report =
		report_on(profile, &(struct report_options){.keep_empty_sites = true});
	assert_int_equal(report->site_count, 4);
	const struct report_site *traffic = find_stack(report, 3);
	assert_int_equal(traffic->live_blocks, 0);
	assert_int_equal(traffic->allocations, 280);
	assert_int_equal(traffic->frees, 280);
	assert_int_equal(traffic->peak_bytes, 700);
	assert_true(traffic->peak_blocks > 0);
	const struct report_site *constant = find_stack(report, 2);
	assert_int_equal(constant->frees, 3);
	assert_int_equal(find_stack(report, 4)->peak_bytes, 3900);
	assert_int_equal(report->snapshot_count, 40);
	assert_true(report->span_s == 400);
	report_free(report);
	profile_free(profile);
}

static void blocks_inherited_over_a_fork_are_no_frees(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "worker");
	uint32_t inherited_epoch = 3;
	memcpy(writer.file.bytes + writer.last_record + sizeof(struct seep_record_header) +
		       offsetof(struct seep_process, inherited_epoch),
	       &inherited_epoch, sizeof(inherited_epoch));
	profile_writer_reseal(&writer);
	profile_writer_node(&writer, 1, 0, 0x10010, 0);
	/* 10 inherited, of which 6 are left; 5 of its own, of which 1 is left. */
	profile_writer_snapshot(&writer, 4, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FORK, "");
	profile_writer_entry(&writer, 1, 7, 70, 5, 2);
	profile_writer_cohort(&writer, 2, 6, 60);
	profile_writer_cohort(&writer, 4, 1, 10);
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	struct report *report = report_on(profile, NULL);
	assert_int_equal(report->sites[0].frees, 4);
	report_free(report);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void a_long_run_is_drawn_with_few_real_points_up_to_its_end(void **state)
{
	(void)state;
	struct profile *profile = read_run(150, 2);
	struct report *report = report_on(profile, NULL);
	assert_true(report->point_count > 30 && report->point_count <= 60);
	assert_true(report->series_t_s[0] == 2);
	assert_true(report->series_t_s[report->point_count - 1] == 300);
	const struct report_site *site = find_stack(report, 1);
	for (size_t i = 0; i < report->point_count; i++) {
		/* At n * 2 seconds there are n blocks. */
		assert_int_equal(site->series_blocks[i], (uint64_t)(report->series_t_s[i] / 2));
		assert_true(i == 0 || report->series_t_s[i] > report->series_t_s[i - 1]);
	}
	report_free(report);
	profile_free(profile);
}

static void a_short_run_is_drawn_with_every_snapshot(void **state)
{
	(void)state;
	struct profile *profile = read_run(7, 2);
	struct report *report = report_on(profile, NULL);
	assert_int_equal(report->point_count, 7);
	report_free(report);
	profile_free(profile);
}

static void options_leave_out_the_small_and_judge_a_part(void **state)
{
	(void)state;
	struct profile *profile = read_run(40, 10);
	struct report *report = report_on(profile, &(struct report_options){.min_bytes = 2000000});
	assert_int_equal(report->site_count, 2); /* what is flagged stays */
	report_free(report);

	report = report_on(profile,
			   &(struct report_options){.first_snapshot = 10, .snapshot_limit = 20});
	assert_int_equal(report->first_snapshot, 10);
	assert_int_equal(report->last_snapshot, 19);
	assert_true(report->span_s == 90);
	assert_int_equal(find_stack(report, 1)->live_blocks, 20);
	assert_int_equal(find_stack(report, 4)->peak_bytes, 2000);
	report_free(report);

	/* Beyond the end is the end. */
	report = report_on(
		profile, &(struct report_options){.first_snapshot = 1000, .snapshot_limit = 1000});
	assert_int_equal(report->first_snapshot, 39);
	assert_int_equal(report->last_snapshot, 39);
	report_free(report);
	profile_free(profile);
}

static void a_run_without_snapshots_is_an_empty_report(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	struct profile *profile = profile_writer_read(&writer);
	struct report *report = report_on(profile, NULL);
	assert_int_equal(report->site_count, 0);
	assert_int_equal(report->point_count, 0);
	assert_true(report->span_s == 0);
	report_free(report);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void equal_texts_are_stored_once(void **state)
{
	(void)state;
	struct profile *profile = read_run(2, 1);
	struct report *report = report_on(profile, NULL);
	char text[] = "open_session";
	const char *first = report_text(report, text);
	assert_ptr_not_equal(first, text);
	assert_ptr_equal(report_text(report, "open_session"), first);
	assert_ptr_not_equal(report_text(report, "open_sessio"), first);
	assert_string_equal(report_text(report, ""), "");
	assert_null(report_text(report, NULL));
	struct frame *frames = report_frames(report, 3);
	assert_null(frames[2].function);
	report_free(report);
	profile_free(profile);
}

static void a_hundred_thousand_sites_are_reported_in_seconds(void **state)
{
	(void)state;
	enum { SITES = 100000, SNAPSHOTS = 12 };
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= SITES; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + (uint64_t)id * 16, 0);
	for (uint32_t n = 1; n <= SNAPSHOTS; n++) {
		profile_writer_snapshot(&writer, n, n, n == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					SEEP_REASON_INTERVAL, "");
		for (uint32_t id = 1; id <= SITES; id++) {
			uint64_t blocks = 1 + (id * 7919ull + n * 104729ull) % 100;
			profile_writer_entry(&writer, id, blocks, blocks * 8, blocks + 100 * n, 1);
			profile_writer_cohort(&writer, n, blocks, blocks * 8);
		}
		profile_writer_snapshot_done(&writer);
	}
	clock_t start = clock();
	struct profile *profile = profile_writer_read(&writer);
	struct report *report = report_on(profile, NULL);
	assert_int_equal(report->site_count, SITES);
	double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	print_message("  %.2f s\n", seconds);
	assert_true(seconds < 20);
	report_free(report);
	profile_free(profile);
	profile_writer_free(&writer);
}

/* ---- who frees ---- */

/* Sites 1 and 2; 1 is freed by stack 3 and 20 others, 2 by stack 3 alone, nothing is known of 24. */
static struct profile *read_run_with_frees(void)
{
	struct profile_writer_freed pairs[23];
	struct profile_writer writer;
	uint32_t count = 0;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= 24; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + id * 16, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	for (uint32_t i = 0; i < 3; i++) {
		profile_writer_entry(&writer, (const uint32_t[]){1, 2, 24}[i], 1, 10, 9000, 1);
		profile_writer_cohort(&writer, 1, 1, 10);
	}
	profile_writer_snapshot_done(&writer);
	for (uint32_t by = 3; by <= 23; by++)
		pairs[count++] = (struct profile_writer_freed){1, by, by == 3 ? 180 : 1};
	pairs[count++] = (struct profile_writer_freed){2, 3, 7};
	profile_writer_frees(&writer, (struct seep_frees){.snapshot = 1, .one_in = 64}, pairs,
			     count);
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

static void says_who_frees_the_most_frequent_first(void **state)
{
	(void)state;
	struct profile *profile = read_run_with_frees();
	struct report *report = report_on(profile, NULL);
	const struct freer_list *list = &find_stack(report, 1)->freed_by;
	assert_int_equal(list->count, FREER_LIST_MAX);
	assert_true(list->samples == 200);
	assert_int_equal(list->freers[0].stack, 3);
	assert_true(list->freers[0].share == 0.9);
	/* What is left out counts all the same. */
	assert_int_equal(list->freers[15].stack, 18);
	assert_true(list->freers[15].share == 0.005);
	assert_int_equal(find_stack(report, 2)->freed_by.count, 1);
	assert_true(find_stack(report, 2)->freed_by.freers[0].share == 1);
	assert_int_equal(find_stack(report, 24)->freed_by.count, 0);
	assert_non_null(find_stack(report, 24)->freed_by.freers);
	report_free(report);

	/* Of a file that does not know of it nothing is claimed. */
	profile->frees = NULL;
	profile->version_minor = 3;
	report = report_on(profile, NULL);
	assert_null(find_stack(report, 24)->freed_by.freers);
	report_free(report);
	profile_free(profile);
}

static void who_frees_for_several_sites_is_added_up(void **state)
{
	(void)state;
	struct profile *profile = read_run_with_frees();
	const struct site *const sites[] = {&profile->sites[0], &profile->sites[1],
					    &profile->sites[2]};
	struct arena *arena = arena_new();
	struct freer_list list;
	assert_true(freer_list_make(&list, profile, sites, 3, arena));
	assert_true(list.samples == 207);
	assert_int_equal(list.freers[0].stack, 3);
	assert_true(list.freers[0].share == 187 / 207.0);
	arena_free(arena);
	profile_free(profile);
}

/* ---- findings ---- */

#define CALLERS 6

/* Sites 1 to 6 are callers of one wrapper, each of which leaks a block a period; 7 leaks faster by
 * itself; 8 and 9 only allocate and free. */
static struct profile *read_run_with_a_leaking_wrapper(uint64_t limit_bytes)
{
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_node(&writer, 1, 0, 0x10000, 0); /* main */
	for (uint32_t i = 0; i < 9; i++)
		profile_writer_node(&writer, 2 + i, 1, 0x20000 + i, 0);
	for (uint32_t i = 0; i < 9; i++)
		profile_writer_node(&writer, 11 + i, 2 + i, i < CALLERS ? 0x30000 : 0x40000 + i, 0);
	for (uint32_t n = 1; n <= 40; n++) {
		profile_writer_snapshot(&writer, n, 10 * n, SEEP_SNAPSHOT_IS_KEYFRAME,
					SEEP_REASON_INTERVAL, "");
		writer.snapshot.limit_bytes = limit_bytes;
		writer.snapshot.limit_used_bytes = limit_bytes / 2;
		for (uint32_t i = 0; i < 7; i++) {
			uint64_t bytes = i < CALLERS ? 16 : 4096;
			profile_writer_entry(&writer, 11 + i, n, n * bytes, 50 * n, n);
			for (uint32_t epoch = 1; epoch <= n; epoch++)
				profile_writer_cohort(&writer, epoch, 1, bytes);
		}
		for (uint32_t i = 7; i < 9; i++) {
			profile_writer_entry(&writer, 11 + i, 9, 900, 50 * n, 1);
			profile_writer_cohort(&writer, n, 9, 900);
		}
		profile_writer_snapshot_done(&writer);
	}
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

static void the_callers_of_a_leaking_wrapper_are_one_entry(void **state)
{
	(void)state;
	struct profile *profile = read_run_with_a_leaking_wrapper(0);
	struct report *report = report_on(profile, NULL);
	/* All sites as before, each flagged one by itself. */
	assert_int_equal(report->site_count, 9);
	assert_int_equal(report->sites[0].stack, 17);
	assert_null(report->sites[0].finding);
	for (size_t i = 1; i <= CALLERS; i++)
		assert_true(report->sites[i].judgement.is_flagged);

	assert_int_equal(report->entry_count, 9 - CALLERS + 1);
	assert_int_equal(report_leak_count(report), 2);
	assert_ptr_equal(report->entries[0].site, &report->sites[0]); /* the faster one first */
	const struct report_finding *finding = report->entries[1].finding;
	assert_non_null(finding);
	assert_int_equal(finding->kind, FINDING_CALLEE);
	assert_int_equal(finding->sum.depth, 1);
	assert_int_equal(finding->site_count, CALLERS);
	assert_int_equal(finding->all_count, CALLERS);
	for (size_t i = 0; i < CALLERS; i++) {
		assert_ptr_equal(finding->sites[i], &report->sites[1 + i]);
		assert_ptr_equal(finding->sites[i]->finding, finding);
	}
	assert_int_equal(finding->sum.live_blocks, CALLERS * 40);
	assert_int_equal(finding->sum.live_bytes, CALLERS * 40 * 16);
	assert_int_equal(finding->sum.allocations, CALLERS * 40 * 50);
	assert_int_equal(finding->sum.peak_bytes, finding->sum.live_bytes);
	assert_int_equal(finding->sum.series_blocks[9], CALLERS * 10);
	assert_true(finding->sum.judgement.growth.bytes_per_hour >
		    report->sites[1].judgement.growth.bytes_per_hour * (CALLERS - 1));
	assert_true(isnan(finding->sum.judgement.growth.time_to_limit_s));
	report_free(report);
	profile_free(profile);
}

static void a_limit_says_when_it_will_be_reached(void **state)
{
	(void)state;
	struct profile *profile = read_run_with_a_leaking_wrapper(8 << 20);
	struct report *report = report_on(profile, NULL);
	/* 4096 bytes in 10 seconds, 4 MiB to go. */
	double time_s = report->sites[0].judgement.growth.time_to_limit_s;
	assert_true(fabs(time_s - 10240) < 1000);
	assert_int_equal(report->sites[0].judgement.severity, SEVERITY_CRITICAL);
	assert_true(report->entries[1].finding->sum.judgement.growth.time_to_limit_s > time_s);
	report_free(report);
	profile_free(profile);
}

/* ---- ids ---- */

static void identify(const struct frame *frames, size_t count, char id[17])
{
	struct report_site site = {.frames = (struct frame *)frames, .frame_count = count};
	report_site_identify(&site);
	memcpy(id, site.id, 17);
}

static void an_id_survives_what_does_not_change_the_program(void **state)
{
	(void)state;
	const struct frame before[] = {
		{.function = "parse", .file = "a.c", .line = 7, .module = "/opt/v1/libp.so.1.2"},
		{.function = "main", .file = "m.c", .line = 9, .module = "/opt/v1/tool"},
	};
	const struct frame after[] = {
		{.function = "parse.part.0",
		 .file = "src/a.c",
		 .line = 70,
		 .offset = 123,
		 .module = "/opt/v2/libp.so.3"},
		{.function = "main", .line = 10, .module = "/opt/v2/tool"},
	};
	const struct frame other[] = {
		{.function = "parse_all", .module = "/opt/v1/libp.so.1.2"},
		{.function = "main", .module = "/opt/v1/tool"},
	};
	char first[17], second[17], third[17];
	identify(before, 2, first);
	identify(after, 2, second);
	identify(other, 2, third);
	assert_int_equal(strlen(first), 16);
	assert_string_equal(first, second);
	assert_string_not_equal(first, third);
	identify(before, 1, third);
	assert_string_not_equal(first, third);
}

static void an_id_without_functions_goes_by_offset(void **state)
{
	(void)state;
	const struct frame here = {.module = "/bin/x", .offset = 100};
	const struct frame there = {.module = "/bin/x", .offset = 200};
	const struct frame jit = {.offset = 0x7f0000001000}, jit_again = {.offset = 0x7f1234501000};
	char first[17], second[17];
	identify(&here, 1, first);
	identify(&there, 1, second);
	assert_string_not_equal(first, second);
	identify(&jit, 1, first);
	identify(&jit_again, 1, second);
	assert_string_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_needs_attention_comes_first),
		cmocka_unit_test(counts_say_what_was_freed_and_what_was_the_most),
		cmocka_unit_test(blocks_inherited_over_a_fork_are_no_frees),
		cmocka_unit_test(a_long_run_is_drawn_with_few_real_points_up_to_its_end),
		cmocka_unit_test(a_short_run_is_drawn_with_every_snapshot),
		cmocka_unit_test(options_leave_out_the_small_and_judge_a_part),
		cmocka_unit_test(a_run_without_snapshots_is_an_empty_report),
		cmocka_unit_test(equal_texts_are_stored_once),
		cmocka_unit_test(a_hundred_thousand_sites_are_reported_in_seconds),
		cmocka_unit_test(says_who_frees_the_most_frequent_first),
		cmocka_unit_test(who_frees_for_several_sites_is_added_up),
		cmocka_unit_test(the_callers_of_a_leaking_wrapper_are_one_entry),
		cmocka_unit_test(a_limit_says_when_it_will_be_reached),
		cmocka_unit_test(an_id_survives_what_does_not_change_the_program),
		cmocka_unit_test(an_id_without_functions_goes_by_offset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
