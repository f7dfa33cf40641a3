/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reachability: what a scan makes of a report: which sites are lost, and which of them together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/read_run.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"

#define BLOCK_BYTES 100

/* Sites are stacks 2, 3, … under one caller, of the program or of what ld.so loads before it. */
enum { OF_PROGRAM = 0x10000, OF_LIBC = 0x40000, OF_LOADER = 0x70000, OF_LIBSTDCXX = 0xa0000 };

static void start(struct read_run *run)
{
	*run = (struct read_run){0};
	profile_writer_start(&run->writer);
	profile_writer_process(&run->writer, 4711, "server");
	profile_writer_module(&run->writer, 0, 0, OF_PROGRAM, OF_PROGRAM + 0x8000, "/bin/server");
	profile_writer_module(&run->writer, 1, 0, OF_LIBC, OF_LIBC + 0x8000,
			      "/lib/x86_64-linux-gnu/libc.so.6");
	profile_writer_module(&run->writer, 2, 0, OF_LOADER, OF_LOADER + 0x8000,
			      "/lib64/ld-linux-x86-64.so.2");
	profile_writer_module(&run->writer, 3, 0, OF_LIBSTDCXX, OF_LIBSTDCXX + 0x8000,
			      "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30");
	profile_writer_node(&run->writer, 1, 0, OF_PROGRAM + 0x10, 0);
	for (uint32_t stack = 2; stack < 8; stack++)
		profile_writer_node(&run->writer, stack, 1, OF_PROGRAM + 0x100 * stack, 0);
	/* libstdc++ as ld.so starts it, and strdup, called by the program. */
	profile_writer_node(&run->writer, 8, 0, OF_LOADER + 0x10, 0);
	profile_writer_node(&run->writer, 9, 8, OF_LIBSTDCXX + 0x20, 0);
	profile_writer_node(&run->writer, 10, 1, OF_LIBC + 0x30, 0);
}

/* `count` snapshots in which each of the stacks from 2 to `last_stack` gets a block a snapshot where
 * it `grows`, and else has ten from the beginning. */
static void run_for(struct read_run *run, uint32_t count, uint32_t last_stack, const bool *grows)
{
	for (uint32_t i = 1; i <= count; i++) {
		profile_writer_snapshot(&run->writer, i, i, i == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					SEEP_REASON_INTERVAL, "");
		for (uint32_t stack = 2; stack <= last_stack; stack++) {
			bool is_growing = grows && grows[stack];
			uint64_t blocks = is_growing ? 10 * i : 10;
			if (i > 1 && !is_growing)
				continue;
			profile_writer_entry(&run->writer, stack, blocks, blocks * BLOCK_BYTES,
					     blocks, is_growing ? i : 1);
			for (uint32_t j = 1; j <= (is_growing ? i : 1); j++)
				profile_writer_cohort(&run->writer, j, 10, 10 * BLOCK_BYTES);
		}
		profile_writer_snapshot_done(&run->writer);
	}
	run->snapshots = count;
}

static struct profile_writer_scanned scanned(uint32_t stack, uint64_t definitely,
					     uint64_t indirectly, uint64_t possibly,
					     uint64_t reachable)
{
	return (struct profile_writer_scanned){
		.stack = stack,
		.sums = {{definitely, definitely * BLOCK_BYTES},
			 {indirectly, indirectly * BLOCK_BYTES},
			 {possibly, possibly * BLOCK_BYTES},
			 {reachable, reachable * BLOCK_BYTES},
			 {0, 0}},
	};
}

static void scan(struct read_run *run, const struct profile_writer_scanned *sites, uint32_t count)
{
	profile_writer_scan(&run->writer,
			    (struct seep_scan){.snapshot = run->snapshots,
					       .flags = SEEP_SCAN_IS_CONFIRMED |
							SEEP_SCAN_IS_STOPPED | SEEP_SCAN_HAS_HEADS},
			    sites, count);
}

static enum verdict verdict_of(const struct read_run *run, uint32_t stack)
{
	const struct judgement *judgement = &report_site_on(run->report, stack)->judgement;
	assert_int_equal(judgement->is_flagged,
			 judgement->verdict == VERDICT_LEAK || judgement->verdict == VERDICT_LOST);
	return judgement->verdict;
}

static void one_block_that_is_definitely_lost_is_a_finding(void **state)
{
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 3, 5, NULL);
	scan(&run,
	     (const struct profile_writer_scanned[]){
		     scanned(2, 10, 0, 0, 0), scanned(3, 1, 0, 0, 9), scanned(4, 0, 0, 10, 0),
		     scanned(5, 0, 0, 0, 10)},
	     4);
	read_run_finish(&run);
	assert_int_equal(verdict_of(&run, 2), VERDICT_LOST);
	assert_int_equal(verdict_of(&run, 3), VERDICT_LOST);
	/* Possibly is not enough, and what can be reached is what it was without a scan. */
	assert_int_equal(verdict_of(&run, 4), VERDICT_UNFREED);
	assert_int_equal(verdict_of(&run, 5), VERDICT_UNFREED);
	assert_int_equal(report_leak_count(run.report), 2);
	assert_true(report_site_on(run.report, 2)->judgement.confidence > 0.99);
	assert_int_equal(report_site_on(run.report, 2)->judgement.severity, SEVERITY_LOW);
	assert_int_equal(report_site_on(run.report, 3)->scanned->definitely.blocks, 1);
	/* Lost ones first, the larger ones first. */
	assert_int_equal(run.report->sites[0].stack, 2);
	assert_int_equal(run.report->sites[1].stack, 3);
	read_run_free(&run);
}

static void without_a_scan_nothing_is_lost(void **state)
{
	(void)state;
	for (int has_failed = 0; has_failed < 2; has_failed++) {
		struct read_run run;
		start(&run);
		run_for(&run, 3, 3, NULL);
		if (has_failed)
			profile_writer_scan(
				&run.writer,
				(struct seep_scan){.snapshot = 3, .outcome = SEEP_SCAN_NO_COPY},
				NULL, 0);
		read_run_finish(&run);
		assert_int_equal(report_leak_count(run.report), 0);
		assert_null(report_site_on(run.report, 2)->scanned);
		assert_int_equal(run.report->scan != NULL, has_failed);
		read_run_free(&run);
	}
}

/* Judged as if it had ended before the scan. */
static void a_later_scan_says_nothing_of_an_earlier_snapshot(void **state)
{
	const struct report_options options = {.snapshot_limit = 2};
	struct report *report;
	struct error error;
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 3, 2, NULL);
	scan(&run, &(struct profile_writer_scanned){.stack = 2, .sums = {{10, 1000}}}, 1);
	read_run_finish(&run);
	assert_int_equal(report_leak_count(run.report), 1);
	assert_int_equal(report_build(run.profile, &options, &report, &error), 0);
	assert_int_equal(report_leak_count(report), 0);
	assert_null(report->scan);
	report_free(report);
	read_run_free(&run);
}

static void a_leak_of_which_most_can_be_reached_remains_one(void **state)
{
	static const bool grows[8] = {[2] = true, [3] = true};
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 40, 3, grows);
	scan(&run,
	     (const struct profile_writer_scanned[]){scanned(2, 10, 0, 0, 390),
						     scanned(3, 200, 100, 0, 100)},
	     2);
	read_run_finish(&run);
	assert_int_equal(verdict_of(&run, 2), VERDICT_LEAK);
	assert_int_equal(verdict_of(&run, 3), VERDICT_LOST);
	/* It grows all the same. */
	assert_true(report_site_on(run.report, 3)->judgement.growth.bytes_per_hour > 1000);
	read_run_free(&run);
}

static void what_only_lost_blocks_hold_is_one_finding_with_them(void **state)
{
	struct profile_writer_scanned sites[] = {
		scanned(2, 10, 0, 0, 0), scanned(3, 0, 10, 0, 0), scanned(4, 0, 10, 0, 0),
		scanned(5, 10, 0, 0, 0), scanned(6, 0, 10, 0, 0),
	};
	struct read_run run;
	(void)state;
	sites[1].head = sites[2].head = 2;
	sites[0].sums[4][0] = 20; /* below */
	sites[0].sums[4][1] = 2000;
	/* Nobody names what the last one hangs under. */
	start(&run);
	run_for(&run, 3, 6, NULL);
	scan(&run, sites, 5);
	read_run_finish(&run);
	for (uint32_t stack = 2; stack <= 6; stack++)
		assert_int_equal(verdict_of(&run, stack), VERDICT_LOST);
	assert_int_equal(report_leak_count(run.report), 3);
	assert_int_equal(run.report->entry_count, 3);
	const struct report_finding *finding = run.report->entries[0].finding;
	assert_non_null(finding);
	assert_int_equal(finding->kind, FINDING_LOST);
	assert_int_equal(finding->sum.stack, 2);
	assert_int_equal(finding->sum.live_blocks, 30);
	assert_int_equal(finding->site_count, 3);
	assert_int_equal(finding->sum.scanned->definitely.blocks, 10);
	assert_int_equal(finding->sum.scanned->below.blocks, 20);
	assert_int_equal(finding->sum.judgement.verdict, VERDICT_LOST);
	assert_true(isnan(finding->share_kept));
	assert_ptr_equal(report_site_on(run.report, 3)->finding, finding);
	assert_null(report_site_on(run.report, 5)->finding);
	read_run_free(&run);
}

/* A head that has lost nothing itself, one that is not there, and a site that is its own. */
static void heads_that_cannot_be_are_not_believed(void **state)
{
	struct profile_writer_scanned sites[] = {scanned(2, 0, 10, 0, 0), scanned(3, 0, 10, 0, 0),
						 scanned(4, 0, 10, 0, 0), scanned(5, 0, 0, 0, 10)};
	struct read_run run;
	(void)state;
	sites[0].head = 3;
	sites[1].head = 7; /* without a block */
	sites[2].head = 4;
	start(&run);
	run_for(&run, 3, 5, NULL);
	scan(&run, sites, 4);
	read_run_finish(&run);
	assert_int_equal(report_leak_count(run.report), 3);
	for (size_t i = 0; i < run.report->entry_count; i++)
		assert_null(run.report->entries[i].finding);
	read_run_free(&run);
}

static void what_the_runtime_has_for_itself_is_never_flagged(void **state)
{
	struct read_run run;
	(void)state;
	start(&run);
	profile_writer_snapshot(&run.writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL,
				"");
	for (uint32_t stack = 8; stack <= 10; stack++) {
		profile_writer_entry(&run.writer, stack, 1, 72704, 1, 1);
		profile_writer_cohort(&run.writer, 1, 1, 72704);
	}
	profile_writer_snapshot_done(&run.writer);
	run.snapshots = 1;
	scan(&run,
	     (const struct profile_writer_scanned[]){scanned(8, 1, 0, 0, 0), scanned(9, 1, 0, 0, 0),
						     scanned(10, 1, 0, 0, 0)},
	     3);
	read_run_finish(&run);
	assert_int_equal(verdict_of(&run, 8), VERDICT_UNFREED);
	assert_int_equal(verdict_of(&run, 9), VERDICT_UNFREED);
	/* What strdup has made is the program's. */
	assert_int_equal(verdict_of(&run, 10), VERDICT_LOST);
	read_run_free(&run);
}

/* As a group it is a leak by its growth; what each has lost is lost. */
static void a_group_of_lost_sites_is_lost(void **state)
{
	static const bool grows[8] = {[2] = true, [3] = true, [4] = true};
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 40, 4, grows);
	scan(&run,
	     (const struct profile_writer_scanned[]){
		     scanned(2, 400, 0, 0, 0), scanned(3, 390, 0, 0, 10), scanned(4, 400, 0, 0, 0)},
	     3);
	read_run_finish(&run);
	const struct report_finding *finding = run.report->entries[0].finding;
	assert_non_null(finding);
	assert_int_equal(finding->kind, FINDING_CALLER);
	assert_int_equal(finding->sum.judgement.verdict, VERDICT_LOST);
	assert_int_equal(finding->sum.scanned->definitely.blocks, 1190);
	assert_int_equal(report_leak_count(run.report), 1);
	read_run_free(&run);
}

static void blocks_of_no_bytes_are_lost_too(void **state)
{
	struct profile_writer_scanned site = {.stack = 2, .sums = {{6, 0}, {0, 0}, {0, 0}, {4, 0}}};
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 3, 2, NULL);
	scan(&run, &site, 1);
	read_run_finish(&run);
	assert_int_equal(verdict_of(&run, 2), VERDICT_LOST);
	read_run_free(&run);
}

static void a_diff_says_what_is_lost(void **state)
{
	static const bool grows[8] = {[2] = true};
	struct report *diff;
	struct error error;
	struct read_run run;
	(void)state;
	start(&run);
	run_for(&run, 4, 3, grows);
	scan(&run, &(struct profile_writer_scanned){.stack = 2, .sums = {{40, 4000}}}, 1);
	read_run_finish(&run);
	assert_int_equal(diff_build(run.profile, 0, run.profile, 3, NULL, NULL, &diff, &error), 0);
	assert_int_equal(diff->site_count, 1);
	assert_int_equal(diff->sites[0].judgement.verdict, VERDICT_LOST);
	assert_int_equal(diff->sites[0].scanned->definitely.blocks, 40);
	assert_non_null(diff->scan);
	report_free(diff);
	read_run_free(&run);
}

/* Numbers that no honest file holds do not wrap around to small ones. */
static void sums_end_at_the_largest_number(void **state)
{
	struct scanned_site site = {.definitely = {UINT64_MAX, UINT64_MAX},
				    .indirectly = {1, 1},
				    .reachable = {UINT64_MAX, 5}},
			    sum = site;
	(void)state;
	assert_true(reachability_lost(&site).blocks == UINT64_MAX);
	assert_true(reachability_all(&site).bytes == UINT64_MAX);
	reachability_add(&sum, &site);
	assert_true(sum.definitely.bytes == UINT64_MAX);
	assert_true(sum.indirectly.bytes == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_block_that_is_definitely_lost_is_a_finding),
		cmocka_unit_test(without_a_scan_nothing_is_lost),
		cmocka_unit_test(a_later_scan_says_nothing_of_an_earlier_snapshot),
		cmocka_unit_test(a_leak_of_which_most_can_be_reached_remains_one),
		cmocka_unit_test(what_only_lost_blocks_hold_is_one_finding_with_them),
		cmocka_unit_test(heads_that_cannot_be_are_not_believed),
		cmocka_unit_test(what_the_runtime_has_for_itself_is_never_flagged),
		cmocka_unit_test(a_group_of_lost_sites_is_lost),
		cmocka_unit_test(blocks_of_no_bytes_are_lost_too),
		cmocka_unit_test(a_diff_says_what_is_lost),
		cmocka_unit_test(sums_end_at_the_largest_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
