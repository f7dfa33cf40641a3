/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_finding_text: sites that are one leak, as one entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

static void sites_that_are_one_leak_are_folded(void **state)
{
	(void)state;
	static const char expected[] =
		"1 leak: +4.20 MiB/h at open_session server.c:88\n"
		"\n"
		" 1. LEAK  3.72 MiB in 39,000 blocks  +4.20 MiB/h (3.91 to 4.49)\n"
		"    since 3.2 s into the run, over 99 % sure, severity high\n"
		"    3 sites are one leak: whoever calls open_session keeps 5.2 % of the blocks\n"
		"    every one of 31 periods left 40 to 60 blocks that nothing freed\n"
		"    98.7 % of its blocks are freed, nearly all of those within 2.0 s\n"
		"    it goes on as fast as in the beginning\n"
		"    ▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇████  0 B → 3.72 MiB  100 ms to 59 s\n"
		"      via operator new ← xmalloc\n"
		"      open_session  server.c:88\n"
		"\n"
		" 2. stable  410 KiB in 4,200 blocks  ▅▄▄▄▄▅▅▄▄▄▅▅▄▄▄▄\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		"\n";
	struct sample *sample = sample_new(
		4, (enum verdict[]){VERDICT_LEAK, VERDICT_LEAK, VERDICT_LEAK, VERDICT_STABLE});
	sample_group(sample, 3);
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	assert_memory_equal(sample_below_header(text), expected, strlen(expected));
	free(text);

	/* Unless everything is asked for. */
	text = sample_report_text(sample, (struct text_report_options){0});
	const char *member = "\n      3.72 MiB in 39,000 blocks  +4.20 MiB/h\n"
			     "        accept_one server.c:140 ← handle_events ← main\n";
	const char *first = strstr(text, member);
	assert_non_null(first);
	assert_non_null(strstr(first + 1, member));
	free(text);

	/* What is left out counts as sites. */
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 1});
	assert_non_null(strstr(text, "\n1 more site with 410 KiB in 4,200 blocks:"));
	free(text);
	free(sample);
}

static void a_caller_is_called_one_leak_with_what_it_allocates(void **state)
{
	(void)state;
	struct sample *sample = sample_new(2, (enum verdict[]){VERDICT_LEAK, VERDICT_LEAK});
	sample_group(sample, 2);
	sample->finding.kind = FINDING_CALLER;
	sample->finding.sum.depth = 0;
	sample->finding.sum.frames = sample_leak_frames + 2;
	sample->finding.sum.frame_count = 7;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	assert_non_null(strstr(text,
			       "\n    2 sites are one leak: open_session keeps 5.2 % of what it "
			       "allocates\n"));
	free(text);

	/* From here it is not that function that allocates. */
	sample->finding.sum.frames++;
	sample->finding.sum.frame_count--;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	assert_non_null(strstr(text,
			       "\n    2 sites are one leak: on their ways from accept_one they "
			       "keep 5.2 % of their\n    blocks\n"));
	/* Where nothing is freed their likeness says nothing. */
	sample->finding.share_kept = 0.999;
	free(text);
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	assert_non_null(strstr(text, "\n    2 sites are one leak, or several: on their ways from "
				     "accept_one they keep\n    100 % of their blocks\n"));
	/* Who does is named below; where all do so in one line, that one stands above. */
	static const char allocators[] =
		"      main           server/main.c:201\n"
		"    allocated by:\n"
		"      3.72 MiB in 39,000 blocks  open_session server.c:88 ← accept_one ← …\n"
		"      1.91 MiB in 20,000 blocks  copy_name name.c:7 ← accept_one\n";
	static struct frame other[] = {
		{.function = "copy_name", .file = "name.c", .line = 7, .module = SERVER},
		{.function = "accept_one", .file = "server.c", .line = 144, .module = SERVER}};
	sample->sites[1].frames = other;
	sample->sites[1].frame_count = 2;
	sample->sites[1].live_bytes = 2000000;
	sample->sites[1].live_blocks = 20000;
	free(text);
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	if (!strstr(text, allocators))
		fail_msg("%s", text);
	free(text);
	sample->sites[1].frames = sample->sites[0].frames;
	sample->sites[1].frame_count = sample->sites[0].frame_count;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});
	assert_null(strstr(text, "allocated by:"));
	free(text);
	free(sample);
}

static void a_group_that_is_not_decided_says_so(void **state)
{
	(void)state;
	struct sample *sample = sample_new(2, (enum verdict[]){VERDICT_GROWING, VERDICT_GROWING});
	sample_group(sample, 2);
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 2});

	assert_non_null(strstr(text, "No leak yet, 1 site grows: +4.20 MiB/h at open_session"));
	assert_non_null(
		strstr(text, "\n    2 sites grow as one: whoever calls open_session keeps 5.2 %"));
	assert_non_null(strstr(text, "\n    none of these sites is a leak that stands out by "
				     "itself\n"));
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sites_that_are_one_leak_are_folded),
		cmocka_unit_test(a_caller_is_called_one_leak_with_what_it_allocates),
		cmocka_unit_test(a_group_that_is_not_decided_says_so),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("text_report", tests, NULL, NULL);
}
