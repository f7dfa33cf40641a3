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

/* The diff of a site with these changes, from its own line on. */
static char *site_text(struct sample *sample, int64_t bytes, int64_t blocks, int64_t aged_bytes)
{
	struct text_report_options options = {.style = sample_plain, .source = "run.seep"};

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

static void diff_puts_the_change_first(void **state)
{
	(void)state;
	static const char expected[] =
		"server (pid 4711), killed by SIGKILL\n"
		"  command   ./server --port 8080 --name 'night shift'\n"
		"  started   2026-11-21 01:50:12, ran for 1 m 01 s, 40 snapshots in the file\n"
		"  live      3.72 MiB in 39,000 blocks; process 31.0 MiB resident (RSS)\n"
		"  activity  1,170,000 allocations, 1,131,000 frees\n"
		"  old       snapshot 3 at 3.1 s: 195 KiB in 2,000 blocks\n"
		"  new       snapshot 40 at 59 s: 3.72 MiB in 39,000 blocks  (run.seep)\n"
		"\n"
		"1 site grew by 12.3 KiB, 1 shrank by 500 B within 1 m 01 s.\n"
		"\n"
		" 1. +12.3 KiB (+98 blocks)  now 3.72 MiB (39,000 blocks, average 100 B)  LEAK\n"
		"      via operator new ← xmalloc\n"
		"      open_session   server.c:88\n"
		"      accept_one     server.c:140 inlined\n"
		"      handle_events  events.c:31\n"
		"      main           server/main.c:201\n"
		"\n"
		" 2. -500 B (-1 block)  now 410 KiB (4,200 blocks, average 100 B)\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		"\n"
		"Total +3.53 MiB (+37,000 blocks)  now 3.72 MiB (39,000 blocks, average 100 B)\n";
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_LEAK, VERDICT_STABLE, VERDICT_STABLE});
	sample->report.old = &sample->profile;
	sample->report.old_snapshot = 2;
	sample->sites[0].delta_bytes = sample->sites[0].aged_bytes = 12595;
	sample->sites[0].delta_blocks = 98;
	sample->sites[1].delta_bytes = -500;
	sample->sites[1].delta_blocks = -1;
	struct text_report_options options = {.style = sample_plain, .source = "run.seep"};
	char *text = SAMPLE_WRITTEN(stream, text_diff_write(stream, &sample->report, &options));

	assert_string_equal(text, expected);
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_of_the_growth_may_be_traffic),
		cmocka_unit_test(leaves_out_the_average_where_the_verdict_has_no_room),
		cmocka_unit_test(ends_in_the_total_of_all_sites),
		cmocka_unit_test(diff_puts_the_change_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
