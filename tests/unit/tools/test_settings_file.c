/* SPDX-License-Identifier: Apache-2.0 */
/* test_settings_file: files of settings, good ones and those that somebody has to mend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/chosen_settings.h"
#include "tools/commands/command.h"
#include "tools/commands/settings_file.h"
#include "tools/model/error.h"

static char path[] = "/tmp/seep-test-XXXXXX";

static void write_bytes(const void *bytes, size_t size)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, size, stream), size);
	fclose(stream);
}

static void read_well(struct settings_file *file, const char *text)
{
	struct error error = {""};

	write_bytes(text, strlen(text));
	if (settings_file_read(file, path, &error) != 0)
		fail_msg("%s", error.text);
}

/* The sentence behind the file's name. */
static const char *complaint(const char *text)
{
	static struct error error;
	struct settings_file file;

	write_bytes(text, strlen(text));
	if (settings_file_read(&file, path, &error) == 0)
		fail_msg("accepted: %s", text);
	assert_memory_equal(error.text, path, sizeof(path) - 1);
	return error.text + sizeof(path) - 1;
}

static void reads_keys_in_both_spellings(void **state)
{
	struct settings_file file;

	(void)state;
	read_well(&file, "# a comment\n\n  interval =  2s \r\nmax_live=1G\nmax-growth = 10MB/h\n"
			 "output = a = b # not a comment\nquiet=on");
	assert_string_equal(settings_text_get(&file.settings, "interval"), "2s");
	assert_string_equal(settings_text_get(&file.settings, "max_live"), "1G");
	assert_string_equal(settings_text_get(&file.settings, "max_growth"), "10MB/h");
	assert_string_equal(settings_text_get(&file.settings, "output"), "a = b # not a comment");
	assert_string_equal(settings_text_get(&file.settings, "quiet"), "on");
	assert_int_equal(file.rule_count, 0);
	settings_file_free(&file);
}

static void sections_are_rules_for_sites(void **state)
{
	struct settings_file file;

	(void)state;
	read_well(&file, "max-site-live = 1M\n"
			 "[site cache_*]\nmax-site-live = off\n\n"
			 "[site operator new[](unsigned long)]\nmax_site_growth=1K/h\n"
			 "max-site-live=2K\n");
	assert_string_equal(settings_text_get(&file.settings, "max_site_live"), "1M");
	assert_int_equal(file.rule_count, 2);
	assert_string_equal(file.rules[0].function, "cache_*");
	assert_true(isinf(file.rules[0].limits[THRESHOLD_SITE_LIVE]));
	assert_true(isnan(file.rules[0].limits[THRESHOLD_SITE_GROWTH]));
	assert_string_equal(file.rules[1].function, "operator new[](unsigned long)");
	assert_true(file.rules[1].limits[THRESHOLD_SITE_GROWTH] == 1024);
	assert_true(file.rules[1].limits[THRESHOLD_SITE_LIVE] == 2048);
	settings_file_free(&file);
}

static void an_empty_file_says_nothing(void **state)
{
	struct settings_file file;

	(void)state;
	read_well(&file, "");
	assert_string_equal(settings_text_get(&file.settings, "interval"), "auto");
	settings_file_free(&file);
}

static void an_invisible_mark_at_the_beginning_is_none(void **state)
{
	struct settings_file file;

	(void)state;
	read_well(&file, "\xef\xbb\xbfinterval = 2s\r\n");
	assert_string_equal(settings_text_get(&file.settings, "interval"), "2s");
	settings_file_free(&file);
}

static void mistakes_are_named_with_file_and_line(void **state)
{
	static const char *const mistakes[][2] = {
		{"interval\n", ":1: there is no '=' in 'interval'; lines are written KEY = VALUE"},
		{"\n\n= 5\n", ":3: there is no setting ''; see 'seep run --help'"},
		{"# x\ntop = 5\n", ":2: there is no setting 'top'; see 'seep run --help'"},
		{"root_pid = 5\n", ":1: there is no setting 'root_pid'; see 'seep run --help'"},
		{"max-growth = 10MB\n",
		 ":1: max-growth: '10MB' is not possible; give off, or a size and the time for it "
		 "such as 10MB/h, 1G/d, 200K/min"},
		{"max-live =\n", ":1: max-live: '' is not possible; give off, or a size such as "
				 "512K, 64M, 1G"},
		{"[process]\n",
		 ":1: there is no section '[process]'; sections are written [site FUNCTION]"},
		{"[sites x]\n",
		 ":1: there is no section '[sites x]'; sections are written [site FUNCTION]"},
		{"[site x\n",
		 ":1: there is no section '[site x'; sections are written [site FUNCTION]"},
		{"[\n", ":1: there is no section '['; sections are written [site FUNCTION]"},
		{"[site  ]\n",
		 ":1: a function is missing in '[site'; sections are written [site FUNCTION]"},
		{"[site x]\nmax-live = 1M\n",
		 ":2: a section for sites cannot have 'max-live'; only max-site-growth and "
		 "max-site-live; write it above the sections"},
		{"[site x]\nmax-site-live = 1Q\n", ":2: max-site-live: '1Q' is not possible; give "
						   "off, or a size such as 512K, 64M, 1G"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		assert_string_equal(complaint(mistakes[i][0]), mistakes[i][1]);
}

static void survives_what_is_no_text(void **state)
{
	static char large[(1 << 20) + 2];
	struct settings_file file;
	struct error error;

	(void)state;
	write_bytes("a\0b", 3);
	assert_true(settings_file_read(&file, path, &error) < 0);
	assert_non_null(strstr(error.text, "no text"));
	memset(large, '#', sizeof(large));
	write_bytes(large, sizeof(large));
	assert_true(settings_file_read(&file, path, &error) < 0);
	assert_non_null(strstr(error.text, "larger than 1 MiB"));
	write_bytes(large, sizeof(large) - 2);
	assert_int_equal(settings_file_read(&file, path, &error), 0);
	settings_file_free(&file);
	memset(large, 'k', 100000);
	large[100000] = '\0';
	assert_non_null(strstr(complaint(large), "there is no '='"));
	strcpy(large + 99990, "=5");
	assert_non_null(strstr(complaint(large), "there is no setting"));
	assert_true(settings_file_read(&file, "/tmp", &error) < 0);
	assert_non_null(strstr(error.text, "/tmp"));
	assert_true(settings_file_read(&file, "/tmp/seep-is-not-there", &error) < 0);
}

static void the_command_line_wins_and_then_the_file(void **state)
{
	static const struct command command = {.name = "test"};
	static const struct command_option interval = {.name = "interval", .argument = "X"};
	static const struct command_option settings = {.name = "settings", .argument = "X"};
	static const struct command_option other = {.name = "top", .argument = "X"};
	static const char text[] = "interval=2s\ngrowth=2M\nmax-live=2M\n[site f]\n"
				   "max-site-live=3K\n";
	struct chosen_settings chosen;
	struct error error;

	(void)state;
	write_bytes(text, sizeof(text) - 1);
	assert_int_equal(chosen_settings_make(&chosen, &error), 0);
	assert_int_equal(chosen_settings_take(&chosen, &command, &settings, path), 1);
	assert_int_equal(chosen_settings_take(&chosen, &command, &interval, "1s"), 1);
	assert_int_equal(chosen_settings_take(&chosen, &command, &other, "1"), 0);
	assert_int_equal(
		chosen_settings_complete(
			&chosen, "interval=3s:growth=3M:stack_depth=3:max_growth=1M/h", &error),
		0);
	assert_string_equal(settings_text_get(&chosen.all, "interval"), "1s");
	assert_string_equal(settings_text_get(&chosen.all, "growth"), "2M");
	assert_string_equal(settings_text_get(&chosen.all, "stack_depth"), "3");
	struct thresholds thresholds = chosen_settings_thresholds(&chosen);
	assert_true(thresholds.limits[THRESHOLD_LIVE] == 2 << 20);
	assert_true(thresholds.limits[THRESHOLD_GROWTH] == 1 << 20);
	assert_true(isnan(thresholds.limits[THRESHOLD_HEAP_SHARE]));
	assert_int_equal(thresholds.rule_count, 1);
	chosen_settings_free(&chosen);
}

static int begin(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_keys_in_both_spellings),
		cmocka_unit_test(sections_are_rules_for_sites),
		cmocka_unit_test(an_empty_file_says_nothing),
		cmocka_unit_test(an_invisible_mark_at_the_beginning_is_none),
		cmocka_unit_test(mistakes_are_named_with_file_and_line),
		cmocka_unit_test(survives_what_is_no_text),
		cmocka_unit_test(the_command_line_wins_and_then_the_file),
	};

	return cmocka_run_group_tests_name("settings_file", tests, begin, end);
}
