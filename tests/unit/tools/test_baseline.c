/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_baseline: what was found once passes, what is worse does not, and a file that is none is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/model/baseline.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/model/suppression.h"

static char path[] = "/tmp/seep-baseline-XXXXXX";

/* A site that leaks and one that has lost blocks. */
struct made {
	struct profile profile;
	struct site sites[2];
	struct scanned_site scanned;
	struct frame frame;
	struct report_site described[2];
	struct report_entry entries[2];
	struct report report;
};

static void make(struct made *made, uint64_t lost_blocks, double slowest, double fastest)
{
	*made = (struct made){
		.profile = {.exe = (char *)"/bin/x",
			    .name = (char *)"x",
			    .sites = made->sites,
			    .site_count = 2},
		.scanned.definitely = {.blocks = lost_blocks, .bytes = 10 * lost_blocks},
		.frame = {.function = "take", .file = "/src/take.c"},
		.report = {.profile = &made->profile,
			   .sites = made->described,
			   .site_count = 2,
			   .entries = made->entries,
			   .entry_count = 2},
	};
	for (size_t i = 0; i < 2; i++) {
		made->described[i] = (struct report_site){
			.site = &made->sites[i],
			.profile = &made->profile,
			.stack = (uint32_t)i + 1,
			.frames = &made->frame,
			.frame_count = 1,
			.judgement = {.verdict = i ? VERDICT_LOST : VERDICT_LEAK,
				      .is_flagged = true}};
		made->entries[i].site = &made->described[i];
	}
	strcpy(made->described[0].id, "00000000000000aa");
	strcpy(made->described[1].id, "00000000000000bb");
	made->described[0].judgement.growth.bytes_per_hour = (slowest + fastest) / 2;
	made->described[0].judgement.growth.bytes_per_hour_ci95[0] = slowest;
	made->described[0].judgement.growth.bytes_per_hour_ci95[1] = fastest;
	made->described[1].scanned = &made->scanned;
}

static void write_of(struct made *made)
{
	struct baseline *baseline = baseline_new(path);
	struct error error = {""};

	assert_true(baseline_add(baseline, &made->report));
	assert_int_equal(baseline_count(baseline), 2);
	if (baseline_write(baseline, path, &error) < 0)
		fail_msg("%s", error.text);
	baseline_free(baseline);
}

/* How many of the two are flagged beside the baseline. */
static size_t flagged(struct made *made)
{
	struct suppressions known = {0};
	struct error error = {""};

	if (baseline_read(&known, path, false, &error) < 0)
		fail_msg("%s", error.text);
	assert_true(suppressions_apply(&known, &made->report, 0));
	size_t count = report_leak_count(&made->report);
	suppressions_free(&known);
	return count;
}

static void what_was_found_once_passes(void **state)
{
	struct made made;
	char text[512] = "";

	(void)state;
	make(&made, 30, 900, 1100);
	write_of(&made);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_string_equal(text,
			    "seep-baseline 2\n"
			    "leak 00000000000000aa 1100 bytes/h x: take (/src/take.c)\n"
			    "lost 00000000000000bb 30 blocks 300 bytes x: take (/src/take.c)\n");
	assert_int_equal(flagged(&made), 0);
	/* A little more is none: no two runs are alike. */
	make(&made, 33, 1200, 2000);
	assert_int_equal(flagged(&made), 0);
	make(&made, 1, 1, 2);
	assert_int_equal(flagged(&made), 0);
}

static void what_is_worse_does_not(void **state)
{
	struct made made;

	(void)state;
	make(&made, 30, 900, 1100);
	write_of(&made);
	make(&made, 34, 900, 1100);
	assert_int_equal(flagged(&made), 1);
	make(&made, 30, 1211, 2000);
	assert_int_equal(flagged(&made), 1);
	make(&made, 34, 1211, 2000);
	assert_int_equal(flagged(&made), 2);
	/* Another site. */
	make(&made, 30, 900, 1100);
	strcpy(made.described[1].id, "00000000000000cc");
	assert_int_equal(flagged(&made), 1);
	/* What leaked has now been lost. */
	make(&made, 30, 900, 1100);
	strcpy(made.described[1].id, "00000000000000aa");
	assert_int_equal(flagged(&made), 1);
}

/* Both programs have lost blocks in their main. */
static void a_leak_of_another_source_is_new(void **state)
{
	struct made made;

	(void)state;
	make(&made, 30, 900, 1100);
	write_of(&made);
	made.profile.name = (char *)"y";
	assert_int_equal(flagged(&made), 0);
	make(&made, 30, 900, 1100);
	made.frame.file = "/other/take.c";
	assert_int_equal(flagged(&made), 2);
	make(&made, 30, 900, 1100);
	made.frame.file = "/src/give.c";
	assert_int_equal(flagged(&made), 2);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void one_that_knows_base_names_only_still_holds(void **state)
{
	static const char old[] = "seep-baseline 1\n"
				  "leak 00000000000000aa 1100 bytes/h x: take (take.c)\n"
				  "lost 00000000000000bb 30 blocks 300 bytes x: take (take.c)\n";
	struct suppressions known = {0};
	struct error error = {""};
	struct made made;
	char text[512] = "";
	size_t unreached;

	(void)state;
	write_file(old);
	make(&made, 30, 900, 1100);
	made.frame.file = "/other/take.c";
	made.profile.name = (char *)"y";
	assert_int_equal(flagged(&made), 0);
	make(&made, 30, 900, 1100);
	made.frame.file = "/src/give.c";
	assert_int_equal(flagged(&made), 0);
	make(&made, 30, 900, 1100);
	made.frame.file = "/src/give.c";
	made.profile.name = (char *)"y";
	assert_int_equal(flagged(&made), 2);
	/* What is written again as it was still is for every folder. */
	assert_int_equal(baseline_read(&known, path, false, &error), 0);
	struct baseline *baseline = baseline_new(path);
	assert_true(baseline_keep(baseline, &known, &unreached));
	assert_int_equal(baseline_write(baseline, path, &error), 0);
	baseline_free(baseline);
	suppressions_free(&known);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_string_equal(text, "seep-baseline 2\n"
				  "leak 00000000000000aa 1100 bytes/h x: take (*/take.c)\n"
				  "lost 00000000000000bb 30 blocks 300 bytes x: take (*/take.c)\n");
	make(&made, 30, 900, 1100);
	made.frame.file = "/other/take.c";
	made.profile.name = (char *)"y";
	assert_int_equal(flagged(&made), 0);
}

/* Programs of one name, in several folders. */
static void the_entry_of_its_own_source_is_for_a_site(void **state)
{
	struct baseline *baseline = baseline_new(path);
	struct error error = {""};
	struct made small, large;

	(void)state;
	make(&small, 3, 900, 1100);
	make(&large, 300, 900, 1100);
	large.frame.file = "/src/give.c";
	assert_true(baseline_add(baseline, &small.report));
	assert_true(baseline_add(baseline, &large.report));
	assert_int_equal(baseline_count(baseline), 4);
	assert_int_equal(baseline_write(baseline, path, &error), 0);
	baseline_free(baseline);
	assert_int_equal(flagged(&large), 0);
	assert_int_equal(flagged(&small), 0);
	make(&small, 5, 900, 1100);
	assert_int_equal(flagged(&small), 1);
}

/* Two sites that have lost blocks; those of the second are all held by those of the first. */
struct hanging {
	struct made made;
	struct scanned_site scanned;
	struct report_site *parts[2];
	struct report_finding finding;
};

static void hang(struct hanging *hanging, size_t head)
{
	struct made *made = &hanging->made;
	struct report_site *first = &made->described[head], *second = &made->described[!head];

	make(made, 30, 0, 0);
	hanging->scanned = (struct scanned_site){.indirectly = {.blocks = 30, .bytes = 300}};
	first->judgement.verdict = second->judgement.verdict = VERDICT_LOST;
	first->scanned = &made->scanned;
	second->scanned = &hanging->scanned;
	hanging->parts[0] = first;
	hanging->parts[1] = second;
	first->finding = second->finding = &hanging->finding;
	hanging->finding = (struct report_finding){
		.kind = FINDING_LOST, .sites = hanging->parts, .site_count = 2, .sum = *first};
	made->entries[0] = (struct report_entry){.finding = &hanging->finding};
	made->report.entry_count = 1;
}

static void which_lost_block_holds_the_other_does_not_matter(void **state)
{
	struct hanging hanging;

	(void)state;
	hang(&hanging, 1);
	write_of(&hanging.made);
	hang(&hanging, 0);
	assert_int_equal(flagged(&hanging.made), 0);
}

/* Of one function, and so of one id. */
static void what_hangs_under_its_own_kind_is_not_more(void **state)
{
	struct hanging hanging;
	struct baseline *baseline = baseline_new(path);
	struct error error = {""};

	(void)state;
	hang(&hanging, 1);
	strcpy(hanging.made.described[0].id, hanging.made.described[1].id);
	assert_true(baseline_add(baseline, &hanging.made.report));
	assert_int_equal(baseline_write(baseline, path, &error), 0);
	baseline_free(baseline);
	assert_int_equal(flagged(&hanging.made), 0);
}

static void each_process_may_have_as_much(void **state)
{
	struct suppressions known = {0};
	struct error error = {""};
	struct made made;

	(void)state;
	make(&made, 30, 900, 1100);
	write_of(&made);
	assert_int_equal(baseline_read(&known, path, false, &error), 0);
	for (int i = 0; i < 5; i++) {
		make(&made, i == 3 ? 90 : 30, 900, 1100);
		assert_true(suppressions_apply(&known, &made.report, 0));
		assert_int_equal(report_leak_count(&made.report), i == 3);
	}
	assert_true(known.list[1].is_exceeded);
	suppressions_free(&known);
}

static void the_next_one_has_what_this_one_knows(void **state)
{
	struct suppressions known = {0};
	struct error error = {""};
	struct made made;

	(void)state;
	make(&made, 30, 900, 1100);
	write_of(&made);
	assert_int_equal(baseline_read(&known, path, false, &error), 0);
	assert_true(suppressions_apply(&known, &made.report, 0));
	write_of(&made);
	/* But not what is suppressed for another reason. */
	suppressions_free(&known);
	make(&made, 30, 900, 1100);
	assert_int_equal(suppressions_parse(&known, "x", "leak:take", 9, &error), 0);
	assert_true(suppressions_apply(&known, &made.report, 0));
	struct baseline *baseline = baseline_new(path);
	assert_true(baseline_add(baseline, &made.report));
	assert_int_equal(baseline_count(baseline), 0);
	baseline_free(baseline);
	suppressions_free(&known);
}

static void expect_refusal(const char *text, const char *expected)
{
	struct suppressions known = {0};
	struct error error = {""};
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	if (baseline_read(&known, path, false, &error) != -EINVAL)
		fail_msg("\"%s\" is not refused", text);
	if (!strstr(error.text, expected))
		fail_msg("\"%s\" is refused with \"%s\", not with \"%s\"", text, error.text,
			 expected);
	suppressions_free(&known);
}

static void what_is_no_baseline_is_refused_with_its_line(void **state)
{
	(void)state;
	expect_refusal("", ":1: this is no baseline");
	expect_refusal("leak:a\n", ":1: this is no baseline");
	expect_refusal("seep-baseline 3\n", ":1: a baseline of version 3, but");
	expect_refusal("seep-baseline 1\ngone 00000000000000aa 1 blocks\n", ":2: lines of a");
	expect_refusal("seep-baseline 1\nlost aa 1 blocks 1 bytes\n", ":2: the id of a site");
	expect_refusal("seep-baseline 1\nlost\n", ":2: the id of a site");
	expect_refusal("seep-baseline 1\n# x\nlost 00000000000000aa -1 blocks 1 bytes\n",
		       ":3: 'N blocks N bytes' is missing");
	expect_refusal("seep-baseline 1\nlost 00000000000000aa 1 blocks\n", "is missing");
	expect_refusal("seep-baseline 1\nleak 00000000000000aa fast\n", "'N bytes/h' is missing");
}

static void a_file_that_is_not_there_is_empty_only_when_one_is_to_be_written(void **state)
{
	struct suppressions known = {0};
	struct error error = {""};

	(void)state;
	assert_int_equal(baseline_read(&known, "/nowhere/x", true, &error), 0);
	assert_int_equal(known.count, 0);
	assert_int_equal(baseline_read(&known, "/nowhere/x", false, &error), -ENOENT);
	suppressions_free(&known);
	struct baseline *baseline = baseline_new(path);
	assert_int_equal(baseline_write(baseline, "/nowhere/x", &error), -ENOENT);
	assert_non_null(strstr(error.text, "cannot write the baseline /nowhere/x"));
	baseline_free(baseline);
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_once_passes),
		cmocka_unit_test(what_is_worse_does_not),
		cmocka_unit_test(a_leak_of_another_source_is_new),
		cmocka_unit_test(one_that_knows_base_names_only_still_holds),
		cmocka_unit_test(the_entry_of_its_own_source_is_for_a_site),
		cmocka_unit_test(which_lost_block_holds_the_other_does_not_matter),
		cmocka_unit_test(what_hangs_under_its_own_kind_is_not_more),
		cmocka_unit_test(each_process_may_have_as_much),
		cmocka_unit_test(the_next_one_has_what_this_one_knows),
		cmocka_unit_test(what_is_no_baseline_is_refused_with_its_line),
		cmocka_unit_test(a_file_that_is_not_there_is_empty_only_when_one_is_to_be_written),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
