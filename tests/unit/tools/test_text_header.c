/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text_header: what a report says of the process and of what it rests on, before it says what leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

static void tells_what_was_lost_and_damaged(void **state)
{
	(void)state;
	static const char expected[] =
		"server (pid 4711, forked from 4700), still running\n"
		"  command   ./server --port 8080 --name 'night shift'\n"
		"  started   2026-11-21 01:50:12, seen for 1 m 01 s, 40 snapshots in the file\n"
		"  live      3.72 MiB in 39,000 blocks; process 31.0 MiB resident (RSS)\n"
		"  activity  1,170,000 allocations, 1,131,000 frees\n"
		"  missed    312 allocations could not be recorded and are missing in this report\n"
		"  missed    1 allocation was recorded without a stack\n"
		"  cut       14 allocations have a stack whose outer frames are missing\n"
		"  damaged   2 records are damaged or missing in the file, 4.00 KiB skipped; what\n"
		"            they held is missing in this report\n"
		"  torn      the last record of the file is incomplete, as after a crash;\n"
		"            everything before it counts\n"
		"\n"
		"No site grows, seen over 1 m 01 s in 40 snapshots.\n"
		"\n"
		" 1. stable  410 KiB in 4,200 blocks  ▅▄▄▄▄▅▅▄▄▄▅▅▄▄▄▄\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample->profile.is_running = true;
	sample->profile.forked_from = 4700;
	sample->snapshots[SAMPLE_POINTS - 1].raw.lost_blocks = 312;
	sample->snapshots[SAMPLE_POINTS - 1].raw.lost_stacks = 1;
	sample->snapshots[SAMPLE_POINTS - 1].raw.cut_stacks = 14;
	sample->profile.damage.damaged_records = 2;
	sample->profile.damage.skipped_bytes = 4096;
	sample->profile.damage.tail_is_torn = true;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_string_equal(text, expected);
	free(text);
	free(sample);
}

static void tells_which_snapshots_are_missing(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	struct snapshot *last = &sample->snapshots[SAMPLE_POINTS - 1];
	last->raw.missed_snapshots = 3;
	last->raw.missed_error = ENOSPC;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_non_null(strstr(text,
			       "  missed    3 snapshots could not be written: No space left on "
			       "device; what\n"
			       "            happened meanwhile is in the next\n"));
	assert_null(strstr(text, "the state at the end"));
	free(text);

	/* The last one, too; and why is not known to this machine. */
	last->reason = SEEP_REASON_INTERVAL;
	last->raw.missed_snapshots = 1;
	last->raw.missed_error = 123456;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});
	assert_non_null(
		strstr(text, "  missed    1 snapshot could not be written; what happened "));
	assert_non_null(
		strstr(text, "  missed    the state at the end is not in the file; this is "));
	free(text);

	sample->profile.is_running = true;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});
	assert_null(strstr(text, "the state at the end"));
	free(text);
	free(sample);
}

static void tells_what_is_torn_without_speaking_of_damage(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample->profile.damage.skipped_bytes = 4096;
	sample->profile.damage.tail_is_torn = true;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_null(strstr(text, "damaged"));
	assert_non_null(strstr(text, "  torn      the last record of the file is incomplete (4.00 "
				     "KiB), as after a"));
	free(text);
	free(sample);
}

static void tells_what_passes_the_library_by(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	struct seep_snapshot *last = &sample->snapshots[SAMPLE_POINTS - 1].raw;
	last->unseen_frees = 1;
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_non_null(strstr(
		text,
		"  missed    1 block was freed unseen, by a library that was opened with\n"
		"            RTLD_DEEPBIND or dlmopen, say; others that are freed so count as\n"
		"            live\n"));
	free(text);
	last->unknown_frees = 1200;
	last->unseen_frees = 2;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});
	assert_non_null(strstr(
		text,
		"  missed    1,200 freed blocks were allocated unseen, by a library that was\n"
		"            opened with RTLD_DEEPBIND or dlmopen, say\n"
		"  missed    2 blocks were freed unseen; others that are freed so count as "
		"live\n"));
	free(text);
	free(sample);
}

static void is_silent_about_damage_where_there_is_none(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_null(strstr(text, "lost"));
	assert_null(strstr(text, "damaged"));
	assert_null(strstr(text, "torn"));
	free(text);
	free(sample);
}

static void says_that_figures_are_estimates_and_how_good_ones(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample_estimate(sample);
	sample->snapshots[sample->report.last_snapshot].raw.live_bytes = 4000000;
	char *text = sample_report_text(
		sample, (struct text_report_options){.style = {.width = 80, .is_utf8 = true},
						     .site_limit = 10});

	assert_non_null(strstr(text,
			       "\n  sampled   one block in 512 KiB allocated: estimates, live ±5 % "
			       "(1,234 samples)\n"));
	assert_non_null(strstr(text, " 1. LEAK  3.72 MiB in 39,000 blocks ±20 %  +4.20 MiB/h"));
	assert_non_null(strstr(text, "severity high, 100 samples\n"));
	free(text);
	/* Without a word about exact figures. */
	sample->profile.sample_bytes = 0;
	sample->report.sampling = NULL;
	sample->sites[0].sampled = NULL;
	text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});
	assert_null(strstr(text, "sample"));
	assert_null(strstr(text, "±"));
	free(text);
	free(sample);
}

/* Which its frames are named by. */
static void names_the_file_of_a_program_that_is_called_otherwise(void **state)
{
	static char link[] = "server-cli", longer[] = "/srv/bin/server3.11";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	char *name = sample->profile.name;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sample->profile.name = i ? name : link;
		if (i)
			sample->profile.exe = longer;
		char *text =
			sample_report_text(sample, (struct text_report_options){.site_limit = 10});
		const char *row = strstr(text, "shift'\n  program   /srv/bin/server\n  started");
		assert_int_equal(row != NULL, i == 0);
		assert_int_equal(strstr(text, "  program") != NULL, i == 0);
		free(text);
	}
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_was_lost_and_damaged),
		cmocka_unit_test(tells_which_snapshots_are_missing),
		cmocka_unit_test(tells_what_is_torn_without_speaking_of_damage),
		cmocka_unit_test(tells_what_passes_the_library_by),
		cmocka_unit_test(is_silent_about_damage_where_there_is_none),
		cmocka_unit_test(names_the_file_of_a_program_that_is_called_otherwise),
		cmocka_unit_test(says_that_figures_are_estimates_and_how_good_ones),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("text_report", tests, NULL, NULL);
}
