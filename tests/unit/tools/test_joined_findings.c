/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_joined_findings: which findings of a report are one mistake, and what stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/read_run.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"

#define PERIODS 40
#define MAX_SITES 8

enum { OF_PROGRAM = 0x10000, OF_LIBC = 0x40000 };

/* The call tree, as far as all stacks share it. */
enum { BEGIN = 1, LIBC, MAIN_OPENS, MAIN_LOGS, OPEN, FIRST_SITE };

/* So many blocks are kept of what is born in a period: what two runs of it have in common is chance. */
static const unsigned kept_of_sessions[PERIODS] = {2, 0, 1, 4, 1, 1, 3, 0, 2, 2, 5, 0, 1, 3,
						   0, 2, 1, 1, 0, 4, 2, 3, 1, 0, 0, 2, 6, 1,
						   2, 0, 3, 1, 1, 2, 0, 4, 1, 0, 2, 1};
static const unsigned kept_of_others[PERIODS] = {1, 3, 0, 1, 2, 0, 1, 4, 2, 0, 1, 1, 3, 0,
						 5, 1, 0, 2, 2, 1, 0, 1, 3, 3, 1, 2, 0, 0,
						 1, 4, 0, 2, 1, 3, 1, 0, 2, 2, 1, 0};

struct leak {
	uint32_t stack;
	const unsigned *kept;
	unsigned times;	 /* blocks for each that `kept` has */
	unsigned others; /* of each period, freed at once */
	unsigned bytes;	 /* of a block */
};

static void start_with(struct read_run *run, uint32_t single_epochs)
{
	*run = (struct read_run){0};
	profile_writer_start(&run->writer);
	run->writer.single_epochs = single_epochs;
	profile_writer_process(&run->writer, 4711, "server");
	profile_writer_module(&run->writer, 0, 0, OF_PROGRAM, OF_PROGRAM + 0x8000, "/bin/server");
	profile_writer_module(&run->writer, 1, 0, OF_LIBC, OF_LIBC + 0x8000,
			      "/lib/x86_64-linux-gnu/libc.so.6");
	profile_writer_node(&run->writer, BEGIN, 0, OF_PROGRAM + 0x10, 0);
	profile_writer_node(&run->writer, LIBC, BEGIN, OF_LIBC + 0x10, 0);
	profile_writer_node(&run->writer, MAIN_OPENS, LIBC, OF_PROGRAM + 0x20, 0);
	profile_writer_node(&run->writer, MAIN_LOGS, LIBC, OF_PROGRAM + 0x28, 0);
	profile_writer_node(&run->writer, OPEN, MAIN_OPENS, OF_PROGRAM + 0x30, 0);
}

static void start(struct read_run *run)
{
	start_with(run, 0);
}

static void add_stack(struct read_run *run, uint32_t stack, uint32_t caller, uint64_t pc)
{
	profile_writer_node(&run->writer, stack, caller, pc, 0);
}

static void run_for(struct read_run *run, const struct leak *leaks, size_t count)
{
	for (uint32_t t = 1; t <= PERIODS; t++) {
		profile_writer_snapshot(&run->writer, t, t, t == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					SEEP_REASON_INTERVAL, "");
		for (size_t i = 0; i < count; i++) {
			const struct leak *leak = &leaks[i];
			uint64_t live = 0;
			uint32_t cohorts = 0;
			for (uint32_t b = 0; b < t; b++) {
				live += leak->kept[b] * leak->times;
				cohorts += leak->kept[b] > 0;
			}
			profile_writer_entry(&run->writer, leak->stack, live, live * leak->bytes,
					     live + t * leak->others, cohorts);
			for (uint32_t b = 0; b < t; b++) {
				uint64_t blocks = leak->kept[b] * leak->times;
				if (blocks)
					profile_writer_cohort(&run->writer, b + 1, blocks,
							      blocks * leak->bytes);
			}
		}
		profile_writer_snapshot_done(&run->writer);
	}
	run->snapshots = PERIODS;
}

static void leaks(struct read_run *run, const struct leak *sites, size_t count, size_t before,
		  size_t after)
{
	run_for(run, sites, count);
	read_run_finish(run);
	assert_int_equal(report_leak_count(run->report), before);
	assert_true(report_join(run->report));
	assert_int_equal(report_leak_count(run->report), after);
}

/* A session, its two buffers and its name, of which the program has many more that it frees. */
static const struct leak session[] = {
	{FIRST_SITE, kept_of_sessions, 1, 0, 64},
	{FIRST_SITE + 1, kept_of_sessions, 2, 3, 4096},
	{FIRST_SITE + 2, kept_of_sessions, 1, 40, 24},
};

static void start_session(struct read_run *run)
{
	start(run);
	for (uint32_t i = 0; i < 3; i++)
		add_stack(run, FIRST_SITE + i, OPEN, OF_PROGRAM + 0x100 + i);
}

static void leaks_that_are_born_together_are_one(void **state)
{
	struct read_run run;
	double bytes_per_hour = 0;
	(void)state;
	start_session(&run);
	leaks(&run, session, 3, 3, 1);
	const struct report_finding *finding = run.report->entries[0].finding;
	assert_non_null(finding);
	assert_int_equal(finding->kind, FINDING_TOGETHER);
	assert_int_equal(finding->sum.stack, OPEN);
	assert_int_equal(finding->part_count, 3);
	assert_int_equal(finding->all_count, 3);
	assert_false(finding->is_same_number);
	assert_int_equal(finding->sum.judgement.verdict, VERDICT_LEAK);
	assert_true(finding->sum.judgement.is_flagged);
	/* The largest first; each is what it was. */
	assert_int_equal(finding->sites[0]->stack, FIRST_SITE + 1);
	for (uint32_t i = 0; i < 3; i++) {
		const struct report_site *site = report_site_on(run.report, FIRST_SITE + i);
		assert_true(site->judgement.is_flagged);
		assert_ptr_equal(report_site_finding(site), finding);
		bytes_per_hour += site->judgement.growth.bytes_per_hour;
	}
	assert_true(fabs(finding->sum.judgement.growth.bytes_per_hour - bytes_per_hour) < 1);
	assert_int_equal(finding->sum.live_blocks, finding->sites[0]->live_blocks * 2);
	assert_true(report_join(run.report));
	assert_int_equal(report_leak_count(run.report), 1);
	assert_int_equal(run.report->entry_count, 1);
	read_run_free(&run);
}

static void it_says_when_all_keep_the_same_number(void **state)
{
	const struct leak sites[] = {session[0], session[2]};
	struct read_run run;
	(void)state;
	start_session(&run);
	leaks(&run, sites, 2, 2, 1);
	assert_true(run.report->entries[0].finding->is_same_number);
	read_run_free(&run);
}

static void leaks_of_one_rate_are_two(void **state)
{
	struct leak sites[] = {session[0], session[2]};
	struct read_run run;
	(void)state;
	sites[1].kept = kept_of_others;
	start_session(&run);
	leaks(&run, sites, 2, 2, 2);
	read_run_free(&run);
}

/* A program that opens a session and writes a log, in turns. */
static void what_only_main_has_in_common_is_two(void **state)
{
	struct leak sites[] = {session[0], session[2]};
	struct read_run run;
	(void)state;
	start_session(&run);
	add_stack(&run, FIRST_SITE + 3, MAIN_LOGS, OF_PROGRAM + 0x200);
	sites[1].stack = FIRST_SITE + 3;
	leaks(&run, sites, 2, 2, 2);
	read_run_free(&run);
}

static void what_is_known_takes_no_part(void **state)
{
	struct read_run run;
	(void)state;
	start_session(&run);
	run_for(&run, session, 3);
	read_run_finish(&run);
	report_site_on(run.report, FIRST_SITE + 1)->judgement.is_flagged = false;
	assert_true(report_join(run.report));
	const struct report_finding *finding = report_site_on(run.report, FIRST_SITE)->finding;
	assert_non_null(finding);
	assert_int_equal(finding->site_count, 2);
	assert_null(report_site_on(run.report, FIRST_SITE + 1)->finding);
	read_run_free(&run);
}

static void who_holds_the_others_comes_first(void **state)
{
	struct read_run run;
	(void)state;
	start_session(&run);
	run_for(&run, session, 3);
	profile_writer_scan(
		&run.writer,
		(struct seep_scan){.snapshot = run.snapshots,
				   .flags = SEEP_SCAN_IS_CONFIRMED | SEEP_SCAN_IS_STOPPED},
		(const struct profile_writer_scanned[]){
			{.stack = FIRST_SITE, .sums = {[3] = {60, 60}}},
			{.stack = FIRST_SITE + 1, .sums = {[3] = {60, 60}}},
			{.stack = FIRST_SITE + 2, .sums = {[3] = {60, 60}}}},
		3);
	profile_writer_holders(&run.writer, (struct seep_holders){.snapshot = run.snapshots},
			       (const struct profile_writer_root[]){
				       {.fixed = {.kind = SEEP_ROOT_MODULE}, .name = ""}},
			       1,
			       (const struct profile_writer_path[]){
				       {.stack = FIRST_SITE, .blocks = 10},
				       {.stack = FIRST_SITE + 1,
					.blocks = 10,
					.step_count = 1,
					.steps = {{.stack = FIRST_SITE, .count = 1}}},
				       {.stack = FIRST_SITE + 2,
					.blocks = 10,
					.step_count = 1,
					.steps = {{.stack = FIRST_SITE, .count = 1}}}},
			       3);
	read_run_finish(&run);
	assert_true(report_join(run.report));
	const struct report_finding *finding = run.report->entries[0].finding;
	assert_non_null(finding);
	assert_int_equal(finding->site_count, 3);
	assert_int_equal(finding->sites[0]->stack, FIRST_SITE);
	/* None of them explains the others to a reader of all. */
	for (size_t i = 0; i < finding->sum.held_by.count; i++)
		assert_null(finding->sum.held_by.shapes[i].through);
	read_run_free(&run);
}

/* With 65 snapshots, of which the last one finds fewer blocks of one site: without it that site would be seen
 * in 64 steps, the others in half as many. */
static void what_ends_earlier_is_compared_as_long_as_it_lasts(void **state)
{
	const uint32_t periods = 65;
	struct read_run run;
	(void)state;
	start_session(&run);
	for (uint32_t t = 1; t <= periods; t++) {
		profile_writer_snapshot(&run.writer, t, t, t == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					t == periods ? SEEP_REASON_FINAL : SEEP_REASON_INTERVAL,
					"");
		for (uint32_t i = 0; i < 2; i++) {
			uint32_t cohorts = 0, live = 0, more = i && t == periods - 1;
			for (uint32_t b = 0; b < t; b++) {
				live += kept_of_sessions[b % PERIODS];
				cohorts += kept_of_sessions[b % PERIODS] + (more && b + 1 == t) > 0;
			}
			profile_writer_entry(&run.writer, FIRST_SITE + i, live + 5 * more,
					     (live + 5 * more) * 64, live + 9 * i * t, cohorts);
			for (uint32_t b = 0; b < t; b++) {
				uint32_t blocks =
					kept_of_sessions[b % PERIODS] + (b + 1 == t ? 5 * more : 0);
				if (blocks)
					profile_writer_cohort(&run.writer, b + 1, blocks,
							      blocks * 64);
			}
		}
		profile_writer_snapshot_done(&run.writer);
	}
	read_run_finish(&run);
	assert_int_equal(report_leak_count(run.report), 2);
	assert_true(report_join(run.report));
	assert_int_equal(report_leak_count(run.report), 1);
	read_run_free(&run);
}

#define SINGLE_EPOCHS 4

/* The cohort to which a snapshot that closes `now` has merged an epoch. */
static uint32_t cohort_of(uint32_t epoch, uint32_t now)
{
	uint32_t first = epoch;
	for (uint32_t width = 2;; width *= 2) {
		uint32_t youngest = epoch | (width - 1);
		if (youngest > now || now - youngest < SINGLE_EPOCHS * (width / 2))
			return first ? first : 1;
		first = epoch & ~(width - 1);
	}
}

static void write_merged(struct read_run *run, uint32_t stack, uint32_t now, uint32_t quiet_from)
{
	uint64_t blocks[PERIODS + 1] = {0}, live = 0;
	uint32_t cohorts = 0;
	for (uint32_t b = 1; b <= now && b < quiet_from; b++) {
		blocks[cohort_of(b, now)] += kept_of_sessions[b - 1];
		live += kept_of_sessions[b - 1];
	}
	for (uint32_t b = 1; b <= now; b++)
		cohorts += blocks[b] > 0;
	profile_writer_entry(&run->writer, stack, live, live * 64,
			     stack == FIRST_SITE ? live : live + 20 * now, cohorts);
	for (uint32_t b = 1; b <= now; b++)
		if (blocks[b])
			profile_writer_cohort(&run->writer, b, blocks[b], blocks[b] * 64);
}

/* What was last written of a site at which nothing happens is from before its old cohorts were merged. */
static void cohorts_are_compared_as_far_as_both_are_merged(void **state)
{
	const uint32_t quiet_from = PERIODS - 3;
	struct read_run run;
	(void)state;
	start_with(&run, SINGLE_EPOCHS);
	for (uint32_t i = 0; i < 2; i++)
		add_stack(&run, FIRST_SITE + i, OPEN, OF_PROGRAM + 0x100 + i);
	for (uint32_t t = 1; t <= PERIODS; t++) {
		profile_writer_snapshot(&run.writer, t, t, t == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					SEEP_REASON_INTERVAL, "");
		if (t < quiet_from)
			write_merged(&run, FIRST_SITE, t, quiet_from);
		write_merged(&run, FIRST_SITE + 1, t, quiet_from);
		profile_writer_snapshot_done(&run.writer);
	}
	read_run_finish(&run);
	assert_int_equal(report_leak_count(run.report), 2);
	assert_true(report_join(run.report));
	assert_int_equal(report_leak_count(run.report), 1);
	assert_true(run.report->entries[0].finding->is_same_number);
	read_run_free(&run);
}

/* ---- lost ---- */

enum { CALLER = 20, PLACE = 40 };

/* Three callers of one function that allocates. */
static void start_lost(struct read_run *run, uint64_t pc)
{
	start(run);
	for (uint32_t i = 0; i < 3; i++)
		add_stack(run, CALLER + i, MAIN_OPENS, OF_PROGRAM + 0x300 + i);
	for (uint32_t i = 0; i < 3; i++)
		add_stack(run, PLACE + i, CALLER + i, pc);
	add_stack(run, PLACE + 3, CALLER, OF_PROGRAM + 0x500);
}

/* One snapshot, with ten blocks of each. */
static void lose(struct read_run *run, const struct profile_writer_scanned *sites, uint32_t count,
		 uint64_t allocations)
{
	profile_writer_snapshot(&run->writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL,
				"");
	for (uint32_t i = 0; i < count; i++) {
		profile_writer_entry(&run->writer, sites[i].stack, 10, 1000, allocations, 1);
		profile_writer_cohort(&run->writer, 1, 10, 1000);
	}
	profile_writer_snapshot_done(&run->writer);
	profile_writer_scan(&run->writer,
			    (struct seep_scan){.snapshot = 1,
					       .flags = SEEP_SCAN_IS_CONFIRMED |
							SEEP_SCAN_IS_STOPPED | SEEP_SCAN_HAS_HEADS},
			    sites, count);
	read_run_finish(run);
	assert_true(report_join(run->report));
}

static struct profile_writer_scanned lost(uint32_t stack)
{
	return (struct profile_writer_scanned){.stack = stack, .sums = {{10, 1000}}};
}

static void what_one_place_loses_for_all_callers_is_one(void **state)
{
	struct profile_writer_scanned sites[] = {lost(PLACE),
						 lost(PLACE + 1),
						 lost(PLACE + 2),
						 {.stack = PLACE + 3, .sums = {[1] = {10, 1000}}}};
	struct read_run run;
	(void)state;
	/* What only lost blocks hold belongs to their finding. */
	sites[3].head = PLACE;
	start_lost(&run, OF_PROGRAM + 0x400);
	lose(&run, sites, 4, 10);
	assert_int_equal(report_leak_count(run.report), 1);
	const struct report_finding *finding = run.report->entries[0].finding;
	assert_non_null(finding);
	assert_int_equal(finding->kind, FINDING_CALLEE);
	assert_int_equal(finding->sum.depth, 1);
	assert_int_equal(finding->part_count, 3);
	assert_int_equal(finding->site_count, 4);
	assert_true(finding->sum.is_lost_by_place);
	assert_int_equal(finding->sum.judgement.verdict, VERDICT_LOST);
	assert_int_equal(finding->sum.scanned->definitely.blocks, 30);
	/* As before: it comes and goes with its head. */
	assert_true(report_site_hangs(report_site_on(run.report, PLACE + 3)));
	assert_false(report_site_hangs(report_site_on(run.report, PLACE + 1)));
	read_run_free(&run);
}

/* Two places, in the report in turns, and a site of its own between them. */
static void what_two_places_lose_are_two(void **state)
{
	enum { OTHER = 60, SITES = 7 };
	struct profile_writer_scanned sites[SITES];
	struct read_run run;
	(void)state;
	start(&run);
	for (uint32_t i = 0; i < SITES; i++) {
		add_stack(&run, OTHER + 2 * i, MAIN_OPENS, OF_PROGRAM + 0x300 + i);
		add_stack(&run, OTHER + 2 * i + 1, OTHER + 2 * i,
			  OF_PROGRAM + (i == 3 ? 0x700 : 0x400 + i % 2));
		sites[i] = lost(OTHER + 2 * i + 1);
	}
	lose(&run, sites, SITES, 10);
	assert_int_equal(report_leak_count(run.report), 3);
	assert_int_equal(run.report->entry_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct report_finding *finding = run.report->entries[i].finding;
		for (size_t s = 0; finding && s < finding->site_count; s++)
			assert_int_equal(run.profile->nodes[finding->sites[s]->stack].pc,
					 run.profile->nodes[finding->sites[0]->stack].pc);
		if (finding)
			assert_int_equal(finding->part_count,
					 (finding->sites[0]->stack - OTHER) / 2 % 2 ? 2 : 4);
		else
			assert_int_equal(run.report->entries[i].site->stack, OTHER + 2 * 3 + 1);
	}
	assert_true(report_site_on(run.report, OTHER + 2 * 3 + 1)->is_lost_by_place);
	read_run_free(&run);
}

/* One caller has freed what he got: the others might have, too. */
static void where_one_frees_the_others_are_findings_of_their_own(void **state)
{
	const struct profile_writer_scanned sites[] = {lost(PLACE), lost(PLACE + 1),
						       lost(PLACE + 2)};
	struct read_run run;
	(void)state;
	start_lost(&run, OF_PROGRAM + 0x400);
	lose(&run, sites, 3, 20);
	assert_int_equal(report_leak_count(run.report), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_false(report_site_on(run.report, PLACE + i)->is_lost_by_place);
	read_run_free(&run);
}

/* strdup is no place: each of its callers is one. */
static void a_function_of_libc_is_no_place(void **state)
{
	const struct profile_writer_scanned sites[] = {lost(PLACE), lost(PLACE + 1),
						       lost(PLACE + 2)};
	struct read_run run;
	(void)state;
	start_lost(&run, OF_LIBC + 0x400);
	lose(&run, sites, 3, 10);
	assert_int_equal(report_leak_count(run.report), 3);
	/* But he loses all that he asks for. */
	assert_true(report_site_on(run.report, PLACE)->is_lost_by_place);
	read_run_free(&run);
}

static void a_wrapper_is_no_place(void **state)
{
	const struct profile_writer_scanned sites[] = {lost(PLACE), lost(PLACE + 1)};
	struct frame frames[] = {{.function = "xmalloc", .is_wrapper = true},
				 {.function = "parse"}};
	struct read_run run;
	(void)state;
	start_lost(&run, OF_PROGRAM + 0x400);
	profile_writer_snapshot(&run.writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL,
				"");
	for (uint32_t i = 0; i < 2; i++) {
		profile_writer_entry(&run.writer, sites[i].stack, 10, 1000, 10, 1);
		profile_writer_cohort(&run.writer, 1, 10, 1000);
	}
	profile_writer_snapshot_done(&run.writer);
	profile_writer_scan(&run.writer,
			    (struct seep_scan){.snapshot = 1, .flags = SEEP_SCAN_IS_STOPPED}, sites,
			    2);
	read_run_finish(&run);
	for (uint32_t i = 0; i < 2; i++) {
		report_site_on(run.report, PLACE + i)->frames = frames;
		report_site_on(run.report, PLACE + i)->frame_count = 2;
	}
	assert_true(report_join(run.report));
	assert_int_equal(report_leak_count(run.report), 2);
	read_run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaks_that_are_born_together_are_one),
		cmocka_unit_test(it_says_when_all_keep_the_same_number),
		cmocka_unit_test(leaks_of_one_rate_are_two),
		cmocka_unit_test(what_only_main_has_in_common_is_two),
		cmocka_unit_test(what_is_known_takes_no_part),
		cmocka_unit_test(who_holds_the_others_comes_first),
		cmocka_unit_test(what_ends_earlier_is_compared_as_long_as_it_lasts),
		cmocka_unit_test(cohorts_are_compared_as_far_as_both_are_merged),
		cmocka_unit_test(what_one_place_loses_for_all_callers_is_one),
		cmocka_unit_test(what_two_places_lose_are_two),
		cmocka_unit_test(where_one_frees_the_others_are_findings_of_their_own),
		cmocka_unit_test(a_function_of_libc_is_no_place),
		cmocka_unit_test(a_wrapper_is_no_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
