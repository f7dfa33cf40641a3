/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_suppressions_record: what a program calls known is in its file, as long as a record may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "lib/snapshot/suppressions_record.h"
#include "seep/snapshot_format.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

/* In a process of its own, for the text is kept for all its life. Returns whether the file says so. */
static bool says(const char *text, const char *expected)
{
	char folder[] = "/tmp/seep-unit-XXXXXX";
	pid_t child;
	int status;

	assert_non_null(mkdtemp(folder));
	child = fork();
	if (child == 0) {
		struct profile *profile;

		lib_life_start();
		process_facts_read(0);
		snprintf(options.output, sizeof(options.output), "%s/file", folder);
		options.root_pid = process_facts.pid;
		suppressions_record_note(text);
		if (snapshot_writer_start() != 0)
			_exit(2);
		profile = lib_written_read();
		unlink(snapshot_file_path());
		if (profile->suppressions == NULL || expected == NULL)
			_exit(profile->suppressions == expected ? 0 : 1);
		_exit(strcmp(profile->suppressions, expected) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(rmdir(folder), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void the_text_is_in_the_file(void **state)
{
	(void)state;
	assert_true(says("leak:one\nleak:other\n", "leak:one\nleak:other\n"));
	assert_true(says("leak:no_line_end", "leak:no_line_end"));
	assert_false(says("leak:one\n", "leak:other\n"));
}

static void without_a_text_there_is_no_record(void **state)
{
	(void)state;
	assert_true(says("", NULL));
}

static void what_is_too_long_ends_with_a_whole_line(void **state)
{
	static char text[SEEP_SUPPRESSIONS_MAX_BYTES + 100], expected[sizeof(text)];

	(void)state;
	while (strlen(text) < SEEP_SUPPRESSIONS_MAX_BYTES)
		strcat(text, "leak:a_function_of_that_name\n");
	memcpy(expected, text, SEEP_SUPPRESSIONS_MAX_BYTES);
	strrchr(expected, '\n')[1] = 0;
	assert_true(strlen(expected) > SEEP_SUPPRESSIONS_MAX_BYTES - 40);
	assert_true(says(text, expected));
	/* One line alone that is. */
	memset(text, 'a', sizeof(text) - 1);
	assert_true(says(text, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_in_the_file),
		cmocka_unit_test(without_a_text_there_is_no_record),
		cmocka_unit_test(what_is_too_long_ends_with_a_whole_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
