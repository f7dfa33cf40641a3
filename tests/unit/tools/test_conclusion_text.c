/* SPDX-License-Identifier: Apache-2.0 */
/* test_conclusion_text: what the first line of a report says where there is little to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

static const struct text_style plain = {.width = 80, .is_utf8 = true};

static void what_grows_by_rare_steps_has_no_rate(void **state)
{
	static const enum verdict verdicts[] = {VERDICT_GROWING};
	struct sample *sample = sample_new(1, verdicts);
	const struct text_report_options options = {
		.style = plain, .source = "run.seep", .site_limit = 5};

	(void)state;
	sample->report.sites[0].judgement.growth.bytes_per_hour = 0;
	char *text = SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
	assert_non_null(strstr(text, "\nNo leak yet, 1 site grows at …::_M_emplace"));
	assert_non_null(strstr(text, "\n 1. growing  3.72 MiB in 39,000 blocks\n"));
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_grows_by_rare_steps_has_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
