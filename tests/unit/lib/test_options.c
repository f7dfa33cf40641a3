/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_options: how SEEP_OPTIONS is read in the target. What seep run accepts is compared with it
 * in tests/unit/tools/test_settings_text.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/options.h"
#include "seep/settings.h"

#define SECOND 1000000000ull
#define MIB (1ull << 20)

static char complaint[256];

static void parse(const char *text)
{
	memset(&options, 0xa5, sizeof(options));
	memset(complaint, 'x', sizeof(complaint));
	options_parse(text, complaint, sizeof(complaint));
}

static void parse_well(const char *text)
{
	parse(text);
	assert_string_equal(complaint, "");
}

static void assert_defaults(void)
{
	assert_string_equal(options.output, "seep.%e.%p.seep");
	assert_int_equal(options.interval_ns, 0);
	assert_int_equal(options.growth_bytes, 64 * MIB);
	assert_int_equal(options.stack_depth, 128);
	assert_int_equal(options.sample_bytes, 0);
	assert_false(options.tracks_mmap);
	assert_int_equal(options.children, CHILDREN_ALL);
	assert_int_equal(options.snapshots_by, SNAPSHOTS_BY_PROCESS);
	assert_int_equal(options.max_file_bytes, 64 * MIB);
	assert_int_equal(options.selfcheck_one_in, 0);
	assert_true(options.max_growth.bytes_per_hour == OPTIONS_NO_LIMIT);
	assert_true(options.max_live_bytes == OPTIONS_NO_LIMIT);
	assert_true(options.max_heap_share == OPTIONS_NO_LIMIT);
	assert_true(options.max_site_growth.bytes_per_hour == OPTIONS_NO_LIMIT);
	assert_true(options.max_site_live_bytes == OPTIONS_NO_LIMIT);
	assert_true(options.stores_command_line);
	assert_true(options.has_loss_checks);
	assert_false(options.is_quiet);
	assert_int_equal(options.root_pid, 0);
}

static void has_the_defaults_of_the_table(void **state)
{
	(void)state;
	parse_well(NULL);
	assert_defaults();
	parse_well("");
	assert_defaults();
	parse_well(":::");
	assert_defaults();
}

/* Every default written out must mean the same as leaving it out. */
static void accepts_every_key_with_its_default(void **state)
{
	(void)state;
#define CHECK_KEY(key, letter, type, values, initial, help)                                        \
	parse_well(#key "=" initial);                                                              \
	assert_defaults();
	SEEP_SETTINGS(CHECK_KEY)
}

static void sets_every_key(void **state)
{
	(void)state;
	parse_well("output=/tmp/x.seep:interval=200ms:growth=1G:stack_depth=512:track=malloc,mmap:"
		   "children=none:snapshots_by=thread:max_file=1M:selfcheck=1/250:"
		   "command_line=off:loss_checks=off:quiet=on:max_growth=2M/h:max_live=3M:"
		   "max_heap_share_of_rss=75%:max_site_growth=1K/s:max_site_live=5M:"
		   "scan=90s:root_pid=77");
	assert_true(options.scans_at_exit);
	assert_int_equal(options.scan_interval_ns, 90 * SECOND);
	assert_int_equal(options.max_growth.bytes_per_hour, 2 * MIB);
	assert_int_equal(options.max_growth.per_ns, 3600 * SECOND);
	assert_int_equal(options.max_live_bytes, 3 * MIB);
	assert_int_equal(options.max_heap_share, 750);
	assert_int_equal(options.max_site_growth.bytes_per_hour, 3600 << 10);
	assert_int_equal(options.max_site_growth.per_ns, SECOND);
	assert_int_equal(options.max_site_live_bytes, 5 * MIB);
	assert_string_equal(options.output, "/tmp/x.seep");
	assert_int_equal(options.interval_ns, SECOND / 5);
	assert_int_equal(options.growth_bytes, 1024 * MIB);
	assert_int_equal(options.stack_depth, 512);
	assert_true(options.tracks_mmap);
	assert_int_equal(options.children, CHILDREN_NONE);
	assert_int_equal(options.snapshots_by, SNAPSHOTS_BY_THREAD);
	assert_int_equal(options.max_file_bytes, MIB);
	assert_int_equal(options.selfcheck_one_in, 250);
	assert_false(options.stores_command_line);
	assert_false(options.has_loss_checks);
	assert_true(options.is_quiet);
	assert_int_equal(options.root_pid, 77);
	parse_well("tool=/opt/my\\:seep");
	assert_string_equal(options.tool, "/opt/my:seep");
	parse_well("track=mmap:snapshots_by=inline:growth=off");
	assert_true(options.tracks_mmap);
	assert_int_equal(options.snapshots_by, SNAPSHOTS_BY_INLINE);
	assert_int_equal(options.growth_bytes, 0);
	parse_well("scan=exit");
	assert_true(options.scans_at_exit);
	assert_int_equal(options.scan_interval_ns, 0);
	parse_well("scan=1s:scan=off");
	assert_false(options.scans_at_exit);
	assert_int_equal(options.scan_interval_ns, 0);
	parse_well("selfcheck=1");
	assert_int_equal(options.selfcheck_one_in, 1);
	parse_well("selfcheck=1:selfcheck=off");
	assert_int_equal(options.selfcheck_one_in, 0);
}

static void reads_durations_and_sizes_with_their_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} durations[] =
		{
			{"interval=1000000ns", SECOND / 1000},
			{"interval=1500us", SECOND / 1000 * 3 / 2},
			{"interval=1ms", SECOND / 1000},
			{"interval=1.5s", SECOND * 3 / 2},
			{"interval=2.25", SECOND * 9 / 4},
			{"interval=10m", SECOND * 600},
			{"interval=2h", SECOND * 7200},
			{"interval=0.5h", SECOND * 1800},
		},
	  sizes[] = {
		  {"growth=0", 0},
		  {"growth=1", 1},
		  {"growth=17B", 17},
		  {"growth=2K", 2048},
		  {"growth=2k", 2048},
		  {"growth=2KB", 2048},
		  {"growth=2KiB", 2048},
		  {"growth=1.5M", MIB * 3 / 2},
		  {"growth=3MB", MIB * 3},
		  {"growth=3MiB", MIB * 3},
		  {"growth=4GiB", MIB * 4096},
		  {"growth=1T", MIB << 20},
	  };

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		parse_well(durations[i].text);
		assert_int_equal(options.interval_ns, durations[i].value);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		parse_well(sizes[i].text);
		assert_int_equal(options.growth_bytes, sizes[i].value);
	}
}

static void keeps_the_default_where_a_value_is_bad(void **state)
{
	static const char *const bad[] = {
		"output=",
		"interval=",
		"interval=0",
		"interval=999us",
		"interval=5x",
		"interval=-1s",
		"interval=5 s",
		"interval=auto ",
		"interval=99999999999999999999s",
		"interval=18446744073s9",
		"interval=9999999999999h",
		"growth=",
		"growth=x",
		"growth=-1",
		"growth=OFF",
		"growth=99999999999T",
		"sample=",
		"sample=0",
		"sample=0.5",
		"sample=on",
		"sample=64X",
		"sample=1025M",
		"sample=99999999999T",
		"stack_depth=0",
		"stack_depth=513",
		"stack_depth=",
		"stack_depth=8x",
		"stack_depth=4294967297",
		"track=",
		"track=none",
		"track=mallocx",
		"track=foo,mmap",
		"track=mmap,foo",
		"track=malloc,",
		"track=,mmap",
		"track=malloc,,mmap",
		"children=",
		"snapshots_by=",
		"snapshots_by=Process",
		"snapshots_by=processes",
		"max_file=",
		"max_file=1023K",
		"max_file=off",
		"selfcheck=",
		"selfcheck=on",
		"selfcheck=0",
		"selfcheck=10",
		"selfcheck=1/",
		"selfcheck=1/0",
		"selfcheck=1/5x",
		"selfcheck=1/1000000001",
		"selfcheck=2/5",
		"command_line=maybe",
		"quiet=",
		"quiet=yes",
		"root_pid=x",
		/* no such key, or none at all */
		"quiet",
		"=",
		"Interval=5s",
		"interval =5s",
		"intervals=5s",
		"stack-depth=8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char quoted[128];

		parse(bad[i]);
		assert_defaults();
		snprintf(quoted, sizeof(quoted), "'%s'", bad[i]);
		if (!strstr(complaint, quoted))
			print_error("%s: '%s'\n", bad[i], complaint);
		assert_non_null(strstr(complaint, quoted));
		assert_int_equal(strncmp(complaint, "SEEP_OPTIONS: ", 14), 0);
	}
}

/* It is read twice, the first time in a hurry. */
static void reads_the_same_of_sampling_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"sample=off",
		"sample=1",
		"sample=512K",
		"sample=1G",
		"sample=1.5M",
		"sample=1025M",
		"sample=64K:sample=2M",
		"sample=64K:sample=bad",
		"sample=64K:sample=off",
		"sample",
		"samples=64K",
		"xsample=64K",
		"interval=5s:sample=64K:quiet=on",
		"output=a\\:sample=64K",
		"output=a\\\\:sample=64K",
		"output=a\\",
		"\\sample=64K",
		"sample=\\64K",
		"sample=64K\\",
		"sample=00000000000000000000000000000000000000000000000000000000000000000000064K",
		":::sample=64K:::",
	};

	(void)state;
	assert_int_equal(options_read_sample(NULL), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t found = options_read_sample(texts[i]);

		parse(texts[i]);
		if (found != options.sample_bytes)
			print_error("%s: %llu and %llu\n", texts[i], (unsigned long long)found,
				    (unsigned long long)options.sample_bytes);
		assert_int_equal(found, options.sample_bytes);
	}
	parse_well("sample=512K");
	assert_int_equal(options.sample_bytes, 512 << 10);
	parse_well("output=a\\:sample=64K");
	assert_int_equal(options.sample_bytes, 0);
	parse_well("sample=1G");
	assert_int_equal(options.sample_bytes, OPTIONS_SAMPLE_MAX);
}

static void complains_about_the_first_mistake_and_reads_on(void **state)
{
	(void)state;
	parse("interval=5s:stack_depth=0:bogus=1:quiet=on");
	assert_non_null(strstr(complaint, "'stack_depth=0'"));
	assert_null(strstr(complaint, "bogus"));
	assert_int_equal(options.interval_ns, 5 * SECOND);
	assert_int_equal(options.stack_depth, 128);
	assert_true(options.is_quiet);
}

static void cuts_a_complaint_that_is_too_long(void **state)
{
	char text[4000] = "output=a:bogus=", tiny[16];

	(void)state;
	memset(text + strlen(text), 'y', sizeof(text) - strlen(text) - 1);
	options_parse(text, tiny, sizeof(tiny));
	assert_string_equal(tiny, "SEEP_OPTIONS: t");
	assert_string_equal(options.output, "a");
}

static void takes_the_last_of_two(void **state)
{
	(void)state;
	parse_well("stack_depth=8:stack_depth=9");
	assert_int_equal(options.stack_depth, 9);
}

static void splits_at_colons_that_are_not_escaped(void **state)
{
	(void)state;
	parse_well("output=/a\\:b\\\\c:quiet=on");
	assert_string_equal(options.output, "/a:b\\c");
	assert_true(options.is_quiet);
	/* Only \: and \\ are special. */
	parse_well("output=a\\b\\");
	assert_string_equal(options.output, "a\\b\\");
	parse_well("output=a\\\\:quiet=on");
	assert_string_equal(options.output, "a\\");
	assert_true(options.is_quiet);
	parse_well("output=a=b");
	assert_string_equal(options.output, "a=b");
}

static void refuses_an_output_that_is_longer_than_a_path(void **state)
{
	static char text[3 * PATH_MAX];

	(void)state;
	for (size_t bytes = PATH_MAX - 2; bytes < 2 * PATH_MAX; bytes++) {
		strcpy(text, "output=");
		memset(text + 7, 'p', bytes);
		text[7 + bytes] = 0;
		parse(text);
		if (bytes < PATH_MAX) {
			assert_string_equal(options.output, text + 7);
		} else {
			assert_defaults();
			assert_string_not_equal(complaint, "");
		}
	}
}

static void follows_the_children_that_were_named(void **state)
{
	(void)state;
	parse_well("children=all");
	assert_true(options_follow_child("anything", "/usr/bin/x"));
	parse_well("children=none");
	assert_false(options_follow_child("anything", "/usr/bin/x"));
	assert_false(options_follow_child("none", "/usr/bin/x"));
	parse_well("children=cc1,as");
	assert_int_equal(options.children, CHILDREN_NAMED);
	assert_true(options_follow_child("cc1", "/usr/bin/x"));
	assert_true(options_follow_child("as", "/usr/bin/x"));
	assert_false(options_follow_child("cc1plus", "/usr/bin/x"));
	assert_false(options_follow_child("cc", "/usr/bin/x"));
	assert_true(options_follow_child("a", "/usr/bin/as"));
	assert_false(options_follow_child("a", "/usr/as/bin"));
	assert_false(options_follow_child("a", "/usr/as/"));
	assert_false(options_follow_child("s", "/usr/bin/x"));
}

static void follows_the_children_below_a_folder(void **state)
{
	(void)state;
	parse_well("children=make,/home/me/project,/opt/");
	assert_int_equal(options.children, CHILDREN_NAMED);
	assert_true(options_follow_child("make", ""));
	assert_true(options_follow_child("test", "/home/me/project/test"));
	assert_true(options_follow_child("test", "/home/me/project/.libs/lt-test"));
	assert_true(options_follow_child("test", "/opt/test"));
	assert_false(options_follow_child("test", "/home/me/project-2/test"));
	assert_false(options_follow_child("test", "/home/me/test"));
	assert_false(options_follow_child("test", "/opt"));
	assert_false(options_follow_child("test", "home/me/project/test"));
	assert_false(options_follow_child("test", ""));
	parse_well("children=/");
	assert_true(options_follow_child("test", "/usr/bin/test"));
	assert_false(options_follow_child("test", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_defaults_of_the_table),
		cmocka_unit_test(accepts_every_key_with_its_default),
		cmocka_unit_test(sets_every_key),
		cmocka_unit_test(reads_durations_and_sizes_with_their_units),
		cmocka_unit_test(keeps_the_default_where_a_value_is_bad),
		cmocka_unit_test(reads_the_same_of_sampling_alone),
		cmocka_unit_test(complains_about_the_first_mistake_and_reads_on),
		cmocka_unit_test(cuts_a_complaint_that_is_too_long),
		cmocka_unit_test(takes_the_last_of_two),
		cmocka_unit_test(splits_at_colons_that_are_not_escaped),
		cmocka_unit_test(refuses_an_output_that_is_longer_than_a_path),
		cmocka_unit_test(follows_the_children_that_were_named),
		cmocka_unit_test(follows_the_children_below_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
