/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text_diff: what a person reads about the growth of each site.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

static const struct text_style plain = {.width = 80, .is_utf8 = true};

/* The diff of a site with these changes, from its own line on. */
static char *site_text(struct sample *sample, int64_t bytes, int64_t blocks, int64_t aged_bytes)
{
	struct text_report_options options = {.style = plain, .source = "run.seep"};

	sample->report.old = &sample->profile;
	sample->report.old_snapshot = 2;
	sample->sites[0].delta_bytes = bytes;
	sample->sites[0].delta_blocks = blocks;
	sample->sites[0].aged_bytes = aged_bytes;
	char *text = SAMPLE_WRITTEN(stream, text_diff_write(stream, &sample->report, &options));
	char *site = strdup(strstr(text, " 1. "));
	free(text);
	return site;
}

static void assert_begins(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", text, start);
}

static void says_what_of_the_growth_may_be_traffic(void **state)
{
	(void)state;
	static const struct {
		int64_t bytes, blocks, aged_bytes;
		const char *start;
	} cases[] = {
		{10240, 9, 10240,
		 " 1. +10.0 KiB (+9 blocks)  now 410 KiB (4,200 blocks, average "
		 "100 B)\n      dictExpand"},
		{10240, 9, 6000,
		 " 1. +10.0 KiB (+9 blocks)  now 410 KiB (4,200 blocks, average "
		 "100 B)\n      dictExpand"},
		{10240, 1, 2048,
		 " 1. +10.0 KiB (+1 block)  now 410 KiB (4,200 blocks, average 100 B)\n"
		 "      2.00 KiB of it has aged, the rest may be traffic\n      dictExpand"},
		{10240, 1, -5,
		 " 1. +10.0 KiB (+1 block)  now 410 KiB (4,200 blocks, average 100 B)\n"
		 "      nothing of it has aged: it may be traffic\n      dictExpand"},
		{-10240, -9, 2048,
		 " 1. -10.0 KiB (-9 blocks)  now 410 KiB (4,200 blocks, average 100 B)\n"
		 "      2.00 KiB more have aged, while others became fewer\n      dictExpand"},
		{-10240, -9, 0,
		 " 1. -10.0 KiB (-9 blocks)  now 410 KiB (4,200 blocks, average 100 B)\n"
		 "    dictExpand"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
		char *text =
			site_text(sample, cases[i].bytes, cases[i].blocks, cases[i].aged_bytes);
		assert_begins(text, cases[i].start);
		free(text);
		free(sample);
	}
}

static void leaves_out_the_average_where_the_verdict_has_no_room(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_GROWING});
	sample->sites[0].live_bytes = (uint64_t)700 << 30;
	sample->sites[0].live_blocks = 234567890;
	char *text = site_text(sample, (int64_t)699 << 30, 234567000, (int64_t)699 << 30);
	assert_begins(text, " 1. +699 GiB (+234,567,000 blocks)  now 700 GiB (234,567,890 "
			    "blocks)  growing\n");
	free(text);
	/* What has one block or none has no average. */
	for (uint64_t blocks = 0; blocks < 2; blocks++) {
		sample->sites[0].live_bytes = 7 * blocks;
		sample->sites[0].live_blocks = blocks;
		text = site_text(sample, -7, -1, 0);
		assert_null(strstr(strtok(text, "\n"), "average"));
		free(text);
	}
	free(sample);
}

static void ends_in_the_total_of_all_sites(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	char *text = site_text(sample, 10, 1, 10);
	assert_string_equal(
		strstr(text, "\n\nTotal") + 2,
		"Total +3.53 MiB (+37,000 blocks)  now 3.72 MiB (39,000 blocks, average 100 B)\n");
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_of_the_growth_may_be_traffic),
		cmocka_unit_test(leaves_out_the_average_where_the_verdict_has_no_room),
		cmocka_unit_test(ends_in_the_total_of_all_sites),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
