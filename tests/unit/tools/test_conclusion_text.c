/* SPDX-License-Identifier: Apache-2.0 */
/* test_conclusion_text: what a report comes to, in its first line, and what to do next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

static void what_grows_by_rare_steps_has_no_rate(void **state)
{
	static const enum verdict verdicts[] = {VERDICT_GROWING};
	struct sample *sample = sample_new(1, verdicts);

	(void)state;
	sample->report.sites[0].judgement.growth.bytes_per_hour = 0;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 5});
	assert_non_null(strstr(text, "\nNo leak yet, 1 site grows at …::_M_emplace"));
	assert_non_null(strstr(text, "\n 1. growing  3.72 MiB in 39,000 blocks\n"));
	free(text);
	free(sample);
}

static void says_how_to_see_leaks_in_a_crowd(void **state)
{
	(void)state;
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_GROWING, VERDICT_GROWING, VERDICT_GROWING});
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_null(strstr(text, "--all"));
	free(text);
	sample->sites[0].judgement.is_minor = sample->sites[2].judgement.is_minor = true;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 1});
	assert_non_null(strstr(text, "\n2 sites leak, but too little to stand out of the crowd of "
				     "those that grow:\nseep report --all run.seep\n"));
	free(text);
	free(sample);
}

static void concludes_in_one_line(void **state)
{
	(void)state;
	static const struct {
		enum verdict verdict;
		const char *line;
	} cases[] = {
		{VERDICT_LEAK, "1 leak: +4.20 MiB/h at open_session server.c:88\n"},
		{VERDICT_LOST, "1 lost: 3.72 MiB at dictExpand dict.c:151\n"},
		{VERDICT_STABLE, "No site grows, seen over 1 m 01 s in 40 snapshots.\n"},
		{VERDICT_PLATEAU, "No site grows, seen over 1 m 01 s in 40 snapshots.\n"},
		{VERDICT_UNFREED, "Too short to judge growth (40 snapshots in 1 m 01 s): what is "
				  "left at the end.\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample *sample = sample_new(1, &cases[i].verdict);
		char *text = sample_report_text(sample, (struct text_report_options){0});
		assert_memory_equal(sample_below_header(text), cases[i].line,
				    strlen(cases[i].line));
		free(text);
		free(sample);
	}
}

static void a_leak_that_nobody_has_looked_at_asks_for_it(void **state)
{
	(void)state;
	static const char wanted[] =
		"\n      or let it be looked who holds that, or whether it is lost:";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	for (int is_running = 0; is_running < 2; is_running++) {
		sample->profile.is_running = is_running;
		char *text = sample_report_text(sample, (struct text_report_options){0});
		assert_int_equal(strstr(text, wanted) != NULL, is_running);
		assert_int_equal(strstr(text, "seep scan 4711\n") != NULL, is_running);
		free(text);
	}
	sample->report.scan = &(struct scan){.raw.outcome = SEEP_SCAN_NO_COPY};
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_null(strstr(text, wanted));
	free(text);
	free(sample);
}

static void says_when_nothing_is_left(void **state)
{
	(void)state;
	struct sample *sample = sample_new(0, NULL);
	sample->snapshots[SAMPLE_POINTS - 1].raw.live_blocks = 0;
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_string_equal(sample_below_header(text), "Nothing is left: every block was freed.\n");
	free(text);
	/* Of the other blocks nothing is known. */
	sample->profile.sample_bytes = 4096;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_string_equal(sample_below_header(text),
			    "Nothing is left: every sample was freed.\n");
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_grows_by_rare_steps_has_no_rate),
		cmocka_unit_test(says_how_to_see_leaks_in_a_crowd),
		cmocka_unit_test(concludes_in_one_line),
		cmocka_unit_test(a_leak_that_nobody_has_looked_at_asks_for_it),
		cmocka_unit_test(says_when_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
