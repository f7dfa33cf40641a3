/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_diff: what grew between two snapshots of one run, and between two runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

enum { SNAPSHOTS = 20 };

/* Site "leak" keeps a block of 10 bytes per snapshot; "traffic" has a lot of young bytes, more at
 * the end; "constant" stays; "shrinks" loses its blocks. `first_id` moves all stacks, as another
 * run may see them in another order. */
static struct profile *read_run(uint32_t pid, uint32_t first_id, uint64_t leak_bytes)
{
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, pid, "server");
	for (uint32_t id = 1; id < first_id + 4; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + (id - first_id) * 16 + 4096, 0);
	for (uint32_t n = 1; n <= SNAPSHOTS; n++) {
		profile_writer_snapshot(&writer, n, n, SEEP_SNAPSHOT_IS_KEYFRAME,
					SEEP_REASON_INTERVAL, "");
		profile_writer_entry(&writer, first_id, n, leak_bytes * n, n, n);
		for (uint32_t epoch = 1; epoch <= n; epoch++)
			profile_writer_cohort(&writer, epoch, 1, leak_bytes);
		uint64_t busy = n == SNAPSHOTS ? 100000 : 50000;
		profile_writer_entry(&writer, first_id + 1, 9, busy, 9 * n, 1);
		profile_writer_cohort(&writer, n, 9, busy);
		profile_writer_entry(&writer, first_id + 2, 5, 500, 5, 1);
		profile_writer_cohort(&writer, 1, 5, 500);
		uint64_t left = SNAPSHOTS - n;
		profile_writer_entry(&writer, first_id + 3, left, left * 8, SNAPSHOTS, left > 0);
		if (left)
			profile_writer_cohort(&writer, 1, left, left * 8);
		profile_writer_snapshot_done(&writer);
	}
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

/* Names sites by where their code is, whatever their id. */
static int resolve(struct report *report, void *context, struct error *error)
{
	(void)error;
	int *calls = context;
	++*calls;
	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		char name[32];
		snprintf(name, sizeof(name), "function_%x",
			 (unsigned)site->profile->nodes[site->stack].pc);
		site->frames = report_frames(report, 1);
		site->frames[0].function = report_text(report, name);
		site->frames[0].linkage_name = report_text(report, name);
		site->frame_count = 1;
		report_site_identify(site);
	}
	return 0;
}

static int refuse(struct report *report, void *context, struct error *error)
{
	(void)report;
	(void)context;
	return error_set(error, ENOMEM, "no memory for symbols");
}

static void lasting_growth_comes_before_traffic(void **state)
{
	(void)state;
	struct profile *profile = read_run(1, 1, 10);
	struct report *report;
	struct error error = {""};
	int calls = 0;
	assert_int_equal(diff_build(profile, 4, profile, 19, resolve, &calls, &report, &error), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(report->site_count, 3); /* what is constant is left out */
	assert_int_equal(report->sites[0].stack, 1);
	assert_int_equal(report->sites[0].delta_bytes, 150);
	assert_int_equal(report->sites[0].delta_blocks, 15);
	assert_int_equal(report->sites[0].old_bytes, 50);
	assert_int_equal(report->sites[0].old_blocks, 5);
	assert_int_equal(report->sites[0].old_allocations, 5);
	assert_int_equal(report->sites[0].live_bytes, 200);
	assert_int_equal(report->sites[1].stack, 2);
	assert_int_equal(report->sites[1].delta_bytes, 50000);
	assert_int_equal(report->sites[2].stack, 4);
	assert_int_equal(report->sites[2].delta_blocks, -15);
	assert_string_equal(report->sites[0].frames[0].function, "function_11000");
	assert_ptr_equal(report->old, profile);
	assert_int_equal(report->old_snapshot, 4);
	assert_int_equal(report->first_snapshot, 4);
	assert_int_equal(report->last_snapshot, 19);
	assert_true(report->span_s == 15);
	report_free(report);
	profile_free(profile);
}

/* At each of two marks a buffer of the traffic is live, and one more at the second one. */
static void between_equal_marks_nothing_is_traffic(void **state)
{
	(void)state;
	static const char *const labels[] = {"idle", "busy"};
	struct error error = {""};
	for (size_t second = 0; second < 2; second++) {
		struct profile_writer writer;
		profile_writer_start(&writer);
		profile_writer_process(&writer, 1, "server");
		profile_writer_node(&writer, 1, 0, 0x10000, 0);
		for (uint32_t n = 1; n <= SNAPSHOTS; n++) {
			bool is_mark = n == 1 || n == SNAPSHOTS;
			profile_writer_snapshot(&writer, n, n, SEEP_SNAPSHOT_IS_KEYFRAME,
						is_mark ? SEEP_REASON_MARK : SEEP_REASON_INTERVAL,
						n == 1	  ? labels[0]
						: is_mark ? labels[second]
							  : "");
			uint64_t blocks = n == SNAPSHOTS ? 2 : 1;
			profile_writer_entry(&writer, 1, blocks, 100 * blocks, 1000 * n, 1);
			profile_writer_cohort(&writer, n, blocks, 100 * blocks);
			profile_writer_snapshot_done(&writer);
		}
		struct profile *profile = profile_writer_read(&writer);
		profile_writer_free(&writer);
		struct report *report;
		assert_int_equal(
			diff_build(profile, 0, profile, SNAPSHOTS - 1, NULL, NULL, &report, &error),
			0);
		assert_int_equal(report->site_count, 1);
		assert_int_equal(report->sites[0].delta_bytes, 100);
		assert_int_equal(report->sites[0].aged_bytes, second == 0 ? 100 : 0);
		report_free(report);
		profile_free(profile);
	}
}

static void sites_come_in_the_order_that_is_asked_for(void **state)
{
	(void)state;
	struct profile *profile = read_run(1, 1, 10);
	struct report *report;
	struct error error = {""};
	assert_int_equal(diff_build(profile, 4, profile, 19, NULL, NULL, &report, &error), 0);
	assert_int_equal(report->sites[0].stack, 1);
	assert_int_equal(report->sites[0].aged_bytes, 150);
	assert_int_equal(report->sites[1].aged_bytes, 0);
	diff_sort(report, DIFF_BY_BYTES);
	assert_int_equal(report->sites[0].stack, 2);
	assert_int_equal(report->sites[0].delta_bytes, 50000);
	diff_sort(report, DIFF_BY_BLOCKS);
	assert_int_equal(report->sites[0].stack, 1);
	assert_int_equal(report->sites[0].delta_blocks, 15);
	assert_int_equal(report->sites[2].delta_blocks, -15);
	diff_sort(report, DIFF_BY_AGED);
	assert_int_equal(report->sites[0].stack, 1);
	report_free(report);
	profile_free(profile);
}

static void backwards_it_shows_the_opposite(void **state)
{
	(void)state;
	struct profile *profile = read_run(1, 1, 10);
	struct report *report;
	struct error error = {""};
	assert_int_equal(diff_build(profile, 19, profile, 4, NULL, NULL, &report, &error), 0);
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].stack == 1)
			assert_int_equal(report->sites[i].delta_bytes, -150);
	report_free(report);
	assert_int_equal(diff_build(profile, 4, profile, 4, NULL, NULL, &report, &error), 0);
	assert_int_equal(report->site_count, 0);
	report_free(report);
	profile_free(profile);
}

static void runs_are_matched_by_function_and_not_by_number(void **state)
{
	(void)state;
	struct profile *old = read_run(1, 1, 10), *new = read_run(2, 7, 30);
	struct report *report;
	struct error error = {""};
	int calls = 0;
	assert_int_equal(diff_build(old, 19, new, 19, resolve, &calls, &report, &error), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(report->site_count, 1);
	assert_int_equal(report->sites[0].stack, 7);
	assert_int_equal(report->sites[0].old_bytes, 200);
	assert_int_equal(report->sites[0].delta_bytes, 400);
	assert_int_equal(report->sites[0].delta_blocks, 0);
	assert_int_equal(report->sites[0].aged_bytes, 400);
	assert_string_equal(report->sites[0].frames[0].function, "function_11000");
	report_free(report);

	/* At an earlier moment of the older run a site lives that is gone in the newer one's end.
	 */
	assert_int_equal(diff_build(old, 9, new, 19, resolve, &calls, &report, &error), 0);
	const struct report_site *gone = NULL;
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].stack == 4)
			gone = &report->sites[i];
	assert_non_null(gone);
	assert_ptr_equal(gone->profile, old);
	assert_int_equal(gone->live_bytes, 0);
	assert_int_equal(gone->delta_bytes, -80);
	assert_string_equal(gone->frames[0].function, "function_11030");
	assert_ptr_equal(gone->frames[0].linkage_name, gone->frames[0].function);
	assert_int_equal(gone->series_bytes[report->point_count - 1], 0);
	report_free(report);
	profile_free(old);
	profile_free(new);
}

static void a_resolver_that_fails_and_a_snapshot_that_is_not_there_are_errors(void **state)
{
	(void)state;
	struct profile *old = read_run(1, 1, 10), *new = read_run(2, 1, 10);
	struct report *report;
	struct error error = {""};
	assert_int_equal(diff_build(old, 1, new, 1, refuse, NULL, &report, &error), -ENOMEM);
	assert_string_equal(error.text, "no memory for symbols");
	assert_null(report);
	assert_int_equal(diff_build(old, 1, old, 9, refuse, NULL, &report, &error), -ENOMEM);
	assert_null(report);
	assert_int_equal(diff_build(old, 1, new, 1, NULL, NULL, &report, &error), -EINVAL);
	assert_int_equal(diff_build(old, 1, old, 99, resolve, NULL, &report, &error), -ENOENT);
	assert_non_null(strstr(error.text, "no such snapshot"));
	profile_free(old);
	profile_free(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lasting_growth_comes_before_traffic),
		cmocka_unit_test(between_equal_marks_nothing_is_traffic),
		cmocka_unit_test(sites_come_in_the_order_that_is_asked_for),
		cmocka_unit_test(backwards_it_shows_the_opposite),
		cmocka_unit_test(runs_are_matched_by_function_and_not_by_number),
		cmocka_unit_test(a_resolver_that_fails_and_a_snapshot_that_is_not_there_are_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
