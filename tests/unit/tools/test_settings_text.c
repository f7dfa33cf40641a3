/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/options.h"
#include "tools/commands/settings_text.h"
#include "tools/model/error.h"

static const struct {
	const char *key, *value;
	bool is_good;
} cases[] = {
	{"output", "a.seep", true},
	{"output", "/x/%e.%p%%.seep", true},
	{"output", "", false},
	{"interval", "auto", true},
	{"interval", "200ms", true},
	{"interval", "1ms", true},
	{"interval", "1.5s", true},
	{"interval", "5", true},
	{"interval", "10m", true},
	{"interval", "2h", true},
	{"interval", "1000000ns", true},
	{"interval", "999us", false},
	{"interval", "0", false},
	{"interval", "", false},
	{"interval", "-1s", false},
	{"interval", "5 s", false},
	{"interval", "5d", false},
	{"interval", "s", false},
	{"interval", "inf", false},
	{"interval", "0x10", false},
	{"interval", "99999999999999999999999h", false},
	{"interval", "9999999999999h", false},
	{"growth", "off", true},
	{"growth", "64M", true},
	{"growth", "1.5GiB", true},
	{"growth", "1T", true},
	{"growth", "100", true},
	{"growth", "1X", false},
	{"growth", "on", false},
	{"sample", "off", true},
	{"sample", "1", true},
	{"sample", "64K", true},
	{"sample", "1G", true},
	{"sample", "", false},
	{"sample", "0", false},
	{"sample", "on", false},
	{"sample", "1025M", false},
	{"sample", "64X", false},
	{"stack_depth", "1", true},
	{"stack_depth", "512", true},
	{"stack_depth", "0", false},
	{"stack_depth", "513", false},
	{"stack_depth", "64.0", false},
	{"stack_depth", "4294967297", false},
	{"stack_depth", "", false},
	{"track", "malloc", true},
	{"track", "mmap", true},
	{"track", "malloc,mmap", true},
	{"allocator", "off", true},
	{"allocator", "je_", true},
	{"allocator", "_rjem_", true},
	{"allocator", "a23456789012345678901234567890b", true},
	{"allocator", "a234567890123456789012345678901b", false},
	{"allocator", "", false},
	{"allocator", "je-", false},
	{"children", "all", true},
	{"children", "none", true},
	{"children", "make,cc1", true},
	{"children", "", false},
	{"snapshots_by", "thread", true},
	{"snapshots_by", "threads", false},
	{"snapshots_by", "process|thread", false},
	{"snapshots_by", "", false},
	{"max_file", "1M", true},
	{"max_file", "1024K", true},
	{"max_file", "1023K", false},
	{"max_file", "off", false},
	{"selfcheck", "off", true},
	{"selfcheck", "1", true},
	{"selfcheck", "1/1", true},
	{"selfcheck", "1/1000", true},
	{"selfcheck", "1/1000000000", true},
	{"selfcheck", "1/1000000001", false},
	{"selfcheck", "1/99999999999999999999", false},
	{"selfcheck", "1/0", false},
	{"selfcheck", "1/", false},
	{"selfcheck", "1/-3", false},
	{"selfcheck", "1/2x", false},
	{"selfcheck", "2/3", false},
	{"selfcheck", "10", false},
	{"selfcheck", "on", false},
	{"selfcheck", "", false},
	{"max_growth", "off", true},
	{"max_growth", "10MB/h", true},
	{"max_growth", "1G/d", true},
	{"max_growth", "1.5K/min", true},
	{"max_growth", "4096/s", true},
	{"max_growth", "0/h", true},
	{"max_growth", "10MB", false},
	{"max_growth", "10MB/", false},
	{"max_growth", "/h", false},
	{"max_growth", "10MB/hour", false},
	{"max_growth", "10MB/h ", false},
	{"max_growth", "10MB/h/d", false},
	{"max_growth", "-1/h", false},
	{"max_growth", "inf/h", false},
	{"max_growth", "on", false},
	{"max_growth", "", false},
	{"max_growth", "16000T/s", false},
	{"max_growth", "1.00000000000000000000000000000000000000000000K/s", false},
	{"max_live", "off", true},
	{"max_live", "512M", true},
	{"max_live", "0", true},
	{"max_live", "512M/h", false},
	{"max_live", "80%", false},
	{"max_live", "", false},
	{"max_heap_share_of_rss", "off", true},
	{"max_heap_share_of_rss", "80%", true},
	{"max_heap_share_of_rss", "12.5%", true},
	{"max_heap_share_of_rss", "100%", true},
	{"max_heap_share_of_rss", "0.8", true},
	{"max_heap_share_of_rss", "1", true},
	{"max_heap_share_of_rss", "101%", false},
	{"max_heap_share_of_rss", "80", false},
	{"max_heap_share_of_rss", "1.1", false},
	{"max_heap_share_of_rss", "%", false},
	{"max_heap_share_of_rss", "80 %", false},
	{"max_heap_share_of_rss", "-1%", false},
	{"max_heap_share_of_rss", "99999999999999999999999%", false},
	{"max_site_growth", "200K/min", true},
	{"max_site_growth", "200K", false},
	{"max_site_live", "1M", true},
	{"max_site_live", "1X", false},
	{"command_line", "off", true},
	{"command_line", "0", true},
	{"command_line", "no", false},
	{"quiet", "on", true},
	{"quiet", "", false},
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

static void accepts_what_the_library_accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		const struct setting *setting = settings_find(cases[i].key);
		char text[256], complaint[512];
		struct error error;
		assert_non_null(setting);
		bool is_good = setting_check(setting, "--it", cases[i].value, &error) == 0;
		if (is_good != cases[i].is_good)
			fail_msg("%s=%s", cases[i].key, cases[i].value);
		snprintf(text, sizeof(text), "%s=%s", cases[i].key, cases[i].value);
		options_parse(text, complaint, sizeof(complaint));
		if ((*complaint == '\0') != cases[i].is_good)
			fail_msg("the library: %s: %s", text, complaint);
	}
}

static void refuses_more_than_the_library_where_it_can_only_be_a_slip(void **state)
{
	static const char *const slips[][2] = {
		{"output", "%q"},
		{"output", "100%"},
		{"track", "malloc,mmaps"},
		{"children", "a,,b"},
	};
	struct error error;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(setting_check(settings_find(slips[i][0]), "--it", slips[i][1], &error) <
			    0);
}

static void says_what_is_wrong_and_what_is_possible(void **state)
{
	struct error error;

	(void)state;
	setting_check(settings_find("interval"), "--interval", "5x", &error);
	assert_string_equal(error.text,
			    "--interval: '5x' is not possible; give auto, or a time of at "
			    "least 1ms such as 200ms, 5s, 10m");
	setting_check(settings_find("sample"), "--sample", "2G", &error);
	assert_string_equal(error.text, "--sample: '2G' is not possible; give off, or a size from "
					"1 to 1G such as 64K, 512K, 2M");
	setting_check(settings_find("snapshots_by"), "--snapshots-by", "x", &error);
	assert_string_equal(error.text,
			    "--snapshots-by: 'x' is not possible; choose process|thread|inline");
}

static void reads_the_limits_that_the_library_reads(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes_per_hour;
	} rates[] = {
		{"10MB/h", 10 << 20},	 {"1G/d", (1 << 30) / 24 + 1}, {"200K/min", 200 * 60 << 10},
		{"1.5K/s", 1536 * 3600}, {"1/d", 1},		       {"0/h", 0},
	};
	char text[128], complaint[512];
	const struct setting *growth = settings_find("max_growth");

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		snprintf(text, sizeof(text), "max_growth=%s", rates[i].text);
		options_parse(text, complaint, sizeof(complaint));
		assert_int_equal(options.max_growth.bytes_per_hour, rates[i].bytes_per_hour);
		assert_int_equal((uint64_t)ceil(setting_limit(growth, rates[i].text)),
				 rates[i].bytes_per_hour);
	}
	options_parse("max_heap_share_of_rss=12.5%:max_live=2K:max_growth=1/min", complaint,
		      sizeof(complaint));
	assert_int_equal(options.max_heap_share, 125);
	assert_int_equal(options.max_live_bytes, 2048);
	assert_int_equal(options.max_growth.per_ns, 60000000000);
	assert_true(setting_limit(settings_find("max_heap_share_of_rss"), "12.5%") == 0.125);
	assert_true(setting_limit(settings_find("max_live"), "2K") == 2048);
	options_parse("max_heap_share_of_rss=off:max_live=off:max_growth=off", complaint,
		      sizeof(complaint));
	assert_true(options.max_heap_share == OPTIONS_NO_LIMIT);
	assert_true(options.max_live_bytes == OPTIONS_NO_LIMIT);
	assert_true(options.max_growth.bytes_per_hour == OPTIONS_NO_LIMIT);
	assert_true(isinf(setting_limit(growth, "off")));
	assert_true(isinf(setting_limit(settings_find("max_live"), "off")));
}

static void every_default_is_possible(void **state)
{
	(void)state;
	for (const struct setting *setting = settings_table; setting->key; setting++)
		assert_int_equal(setting_check(setting, "it", setting->initial, NULL), 0);
}

static void survives_writing_and_reading(void **state)
{
	struct settings_text text, copy;
	char complaint[512];

	(void)state;
	assert_int_equal(settings_text_make(&text, NULL), 0);
	assert_int_equal(settings_text_make(&copy, NULL), 0);
	settings_text_set(&text, settings_find("output"), "/a:b\\c\\:d/%e", NULL);
	settings_text_set(&text, settings_find("interval"), "5s", NULL);
	char *written = settings_text_write(&text);
	assert_string_equal(written, "output=/a\\:b\\\\c\\\\\\:d/%e:interval=5s");
	assert_int_equal(settings_text_read(&copy, written, NULL), 0);
	assert_string_equal(settings_text_get(&copy, "output"), "/a:b\\c\\:d/%e");
	assert_string_equal(settings_text_get(&copy, "interval"), "5s");
	assert_string_equal(settings_text_get(&copy, "growth"), "64M");
	options_parse(written, complaint, sizeof(complaint));
	assert_string_equal(complaint, "");
	assert_string_equal(options.output, "/a:b\\c\\:d/%e");
	assert_int_equal(options.interval_ns, 5000000000);
	free(written);
	settings_text_free(&text);
	settings_text_free(&copy);
}

static void some_settings_mean_something_by_their_mere_name(void **state)
{
	(void)state;
	assert_string_equal(setting_plain_value(settings_find("quiet")), "on");
	assert_string_equal(setting_plain_value(settings_find("selfcheck")), "1");
}

static void the_last_word_counts(void **state)
{
	struct settings_text text;

	(void)state;
	assert_int_equal(settings_text_make(&text, NULL), 0);
	assert_int_equal(
		settings_text_read(&text, "stack_depth=3::stack_depth=5:root_pid=9:", NULL), 0);
	settings_text_set(&text, settings_find("quiet"), "on", NULL);
	char *written = settings_text_write(&text);
	assert_string_equal(written, "stack_depth=5:quiet=on");
	free(written);
	settings_text_free(&text);
}

static void takes_no_file_from_an_outer_run(void **state)
{
	struct settings_text text;

	(void)state;
	assert_int_equal(settings_text_make(&text, NULL), 0);
	assert_int_equal(settings_text_read(&text,
					    "output=/outer.seep:interval=5s:root_pid=9:"
					    "children_output=/outer.children/%p.seep:file_lender=0:"
					    "tool=/outer",
					    NULL),
			 0);
	char *written = settings_text_write(&text);
	assert_string_equal(written, "interval=5s");
	free(written);
	settings_text_free(&text);
}

static void names_what_is_wrong_in_the_environment(void **state)
{
	static const char *const wrong[][2] = {
		{"depth=3", "SEEP_OPTIONS: there is no setting 'depth'; see 'seep run --help'"},
		{"quiet", "SEEP_OPTIONS: 'quiet' has no value; write quiet=VALUE"},
		{"growth=1Q",
		 "SEEP_OPTIONS: growth: '1Q' is not possible; give off, or a size such "
		 "as 512K, 64M, 1G"},
	};
	struct settings_text text;
	struct error error;

	(void)state;
	assert_int_equal(settings_text_make(&text, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_true(settings_text_read(&text, wrong[i][0], &error) < 0);
		assert_string_equal(error.text, wrong[i][1]);
	}
	settings_text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_library_accepts),
		cmocka_unit_test(refuses_more_than_the_library_where_it_can_only_be_a_slip),
		cmocka_unit_test(says_what_is_wrong_and_what_is_possible),
		cmocka_unit_test(reads_the_limits_that_the_library_reads),
		cmocka_unit_test(every_default_is_possible),
		cmocka_unit_test(survives_writing_and_reading),
		cmocka_unit_test(some_settings_mean_something_by_their_mere_name),
		cmocka_unit_test(the_last_word_counts),
		cmocka_unit_test(takes_no_file_from_an_outer_run),
		cmocka_unit_test(names_what_is_wrong_in_the_environment),
	};

	return cmocka_run_group_tests_name("settings_text", tests, NULL, NULL);
}

/* The library's own parser, to hold the tool's against. Last, because it forbids much of libc. */
#define setting library_setting
#include "lib/base/options.c"
#include "lib/base/text.c"
