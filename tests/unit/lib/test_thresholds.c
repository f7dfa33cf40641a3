/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_thresholds: which alerts are in the file, and that they are there once.
 *
 * The snapshots are made by hand: a number, how much is live, and sites that hold something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "lib/snapshot/thresholds.h"
#include "tests/support/lib_life.h"

#define SECOND 1000000000ull
#define SITES 2u
#define STACKS 100u
#define RSS 1000000u

static char folder[] = "/tmp/seep-unit-XXXXXX";
static uint32_t number;
static uint32_t sites; /* the stacks of two sites come after this one; each test has its own */

static void start(const char *settings)
{
	char complaint[256], name[64];
	static unsigned files;

	options_parse(settings, complaint, sizeof(complaint));
	assert_string_equal(complaint, "");
	snprintf(name, sizeof(name), "%s/%u.seep", folder, files++);
	strcpy(options.output, name);
	snapshot_writer_postfork_child();
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
	number = 0;
	sites += SITES;
}

/* What the process holds, and what of it two sites do. */
static void take(uint64_t time_ns, uint64_t live, uint64_t first, uint64_t second)
{
	struct site_cohort cohorts[] = {
		{.epoch = 1, .stack = sites + 1, .next = 2, .blocks = 1, .bytes = first / 2},
		{.epoch = 2, .stack = sites + 1, .blocks = 1, .bytes = first - first / 2},
		{.epoch = 1, .stack = sites + 2, .blocks = 1, .bytes = second},
	};
	uint32_t first_cohort[STACKS] = {[0] = 0};
	const struct site_totals totals = {
		.stack_count = STACKS,
		.first_cohort = first_cohort,
		.cohorts = cohorts,
		.cohort_count = 3,
	};
	const struct seep_snapshot snapshot = {
		.number = ++number,
		.live_bytes = live,
		.rss_bytes = RSS,
	};

	first_cohort[sites + 1] = 1;
	first_cohort[sites + 2] = 3;
	assert_int_equal(snapshot_file_begin(), 0);
	thresholds_watch(&snapshot, &totals, time_ns);
	snapshot_file_end();
}

/* "KIND STACK SNAPSHOT VALUE>LIMIT;" of each, as it was written: a reader would miss the
 * stacks, of which the file knows nothing. */
static const char *alerts(void)
{
	static char text[65536];
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(snapshot_file_path(), "r");
	size_t size, length = 0;

	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	snapshot_file_remove();
	text[0] = 0;
	for (size_t at = sizeof(struct seep_file_header); at < size;) {
		const struct seep_record_header *header = (const void *)(bytes + at);
		const struct seep_alert *alert = (const void *)(header + 1);

		if (header->type == SEEP_RECORD_ALERT && length < sizeof(text) - 100) {
			assert_int_equal(alert->struct_bytes, sizeof(*alert));
			length += (size_t)sprintf(text + length, "%u %u %u %lu>%lu;", alert->kind,
						  alert->stack ? alert->stack - sites : 0,
						  alert->snapshot, alert->value, alert->limit);
		}
		at += (sizeof(*header) + header->payload_bytes + 7) / 8 * 8;
	}
	return text;
}

static void says_nothing_where_there_is_no_threshold(void **state)
{
	(void)state;
	start("");
	for (uint64_t i = 1; i <= 100; i++)
		take(i * SECOND, i << 40, i << 40, UINT64_MAX);
	assert_string_equal(alerts(), "");
}

static void says_nothing_of_a_threshold_that_is_not_crossed(void **state)
{
	(void)state;
	start("max_live=1000:max_heap_share_of_rss=1%:max_site_live=500:max_growth=3601/s:"
	      "max_site_growth=1/s");
	for (uint64_t i = 1; i <= 100; i++)
		take(i * SECOND, 900 + i, 500, 400);
	assert_string_equal(alerts(), "");
}

static void says_it_once_and_again_after_it_was_below(void **state)
{
	static const uint64_t live[] = {10, 999, 1000, 1001, 5000, 1001, 1000, 3000, 2000};

	(void)state;
	start("max_live=1000");
	for (uint64_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		take((i + 1) * SECOND, live[i], 0, 0);
	assert_string_equal(alerts(), "2 0 4 1001>1000;2 0 8 3000>1000;");
}

static void a_site_is_named_by_its_stack(void **state)
{
	(void)state;
	start("max_site_live=100");
	take(1 * SECOND, 1000, 100, 101);
	take(2 * SECOND, 1000, 101, 101);
	take(3 * SECOND, 1000, 101, 0);
	take(4 * SECOND, 1000, 50, 333);
	assert_string_equal(alerts(), "5 2 1 101>100;5 1 2 101>100;5 2 4 333>100;");
}

static void a_share_is_of_what_is_resident(void **state)
{
	(void)state;
	start("max_heap_share_of_rss=80%");
	take(1 * SECOND, RSS * 8 / 10, 0, 0);
	take(2 * SECOND, RSS * 9 / 10, 0, 0);
	assert_string_equal(alerts(), "3 0 2 900>800;");
}

static void growth_is_that_of_the_trend(void **state)
{
	(void)state;
	start("max_growth=99/s");
	for (uint64_t i = 1; i <= 40; i++)
		take(i * SECOND, i * 100, 0, 0);
	/* The first moment at which there are 12 points after the first 15 %. */
	assert_string_equal(alerts(), "1 0 13 360000>356400;");
	start("max_growth=100/s");
	for (uint64_t i = 1; i <= 40; i++)
		take(i * SECOND, i * 100, 0, 0);
	assert_string_equal(alerts(), "");
}

static void growth_of_a_site_is_that_of_its_floor(void **state)
{
	(void)state;
	start("max_site_growth=99/s");
	for (uint64_t i = 1; i <= 15; i++)
		take(i * SECOND, i * 100, 5000, i * 100);
	assert_string_equal(alerts(), "4 2 15 360000>356400;");
}

/* 36,000 bytes an hour are 600 a minute. */
static void the_time_of_a_rate_says_how_patient_to_be(void **state)
{
	(void)state;
	start("max_growth=35000/h:max_site_growth=35000/h");
	for (uint64_t i = 1; i <= 63; i++)
		take(i * SECOND, i * 10, 0, i * 10);
	assert_string_equal(alerts(), "1 0 60 36000>35000;4 2 60 36000>35000;");
	start("max_growth=599/min:max_site_growth=599/min");
	for (uint64_t i = 1; i <= 59; i++)
		take(i * SECOND, i * 10, 0, i * 10);
	assert_string_equal(alerts(), "1 0 13 36000>35940;4 2 15 36000>35940;");
}

static void ends_after_as_many_as_the_format_allows(void **state)
{
	(void)state;
	start("max_live=10:max_site_live=10");
	for (uint64_t i = 1; i <= 4000; i++)
		take(i * SECOND, i % 2 * 100, i % 2 * 100, 0);
	size_t count = 0;
	for (const char *c = alerts(); *c; c++)
		count += *c == ';';
	assert_int_equal(count, 1024);
}

static void a_forked_child_says_it_for_itself(void **state)
{
	(void)state;
	start("max_live=1000:max_growth=1/s");
	for (uint64_t i = 1; i <= 12; i++)
		take(i * SECOND, i * 1000, 0, 0);
	assert_string_equal(alerts(), "2 0 2 2000>1000;");
	start("max_live=1000:max_growth=1/s");
	for (uint64_t i = 13; i <= 14; i++)
		take(i * SECOND, i * 1000, 0, 0);
	assert_string_equal(alerts(), "2 0 1 13000>1000;");
}

static void never_makes_the_file_longer_than_it_may_be(void **state)
{
	(void)state;
	start("max_live=10");
	options.max_file_bytes = snapshot_file_bytes() + 100;
	for (uint64_t i = 1; i <= 10; i++)
		take(i * SECOND, i % 2 * 100, 0, 0);
	assert_true(snapshot_file_bytes() <= options.max_file_bytes);
	assert_string_equal(alerts(), "2 0 1 100>10;");
}

static int begin(void **state)
{
	(void)state;
	lib_life_start();
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_where_there_is_no_threshold),
		cmocka_unit_test(says_nothing_of_a_threshold_that_is_not_crossed),
		cmocka_unit_test(says_it_once_and_again_after_it_was_below),
		cmocka_unit_test(a_site_is_named_by_its_stack),
		cmocka_unit_test(a_share_is_of_what_is_resident),
		cmocka_unit_test(growth_is_that_of_the_trend),
		cmocka_unit_test(growth_of_a_site_is_that_of_its_floor),
		cmocka_unit_test(the_time_of_a_rate_says_how_patient_to_be),
		cmocka_unit_test(ends_after_as_many_as_the_format_allows),
		cmocka_unit_test(a_forked_child_says_it_for_itself),
		cmocka_unit_test(never_makes_the_file_longer_than_it_may_be),
	};

	return cmocka_run_group_tests_name("thresholds", tests, begin, end);
}
