/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/library_path.h"
#include "tools/model/error.h"

static void keeps_what_was_preloaded(void **state)
{
	static const char *const cases[][2] = {
		{NULL, "/l/libseep.so"},
		{"", "/l/libseep.so"},
		{"a.so", "/l/libseep.so:a.so"},
		{"a.so b.so", "/l/libseep.so:a.so:b.so"},
		{" a.so: :b.so:", "/l/libseep.so:a.so:b.so"},
		{"/l/libseep.so", "/l/libseep.so"},
		{"a.so:/other/libseep.so:b.so", "/l/libseep.so:a.so:b.so"},
		{"libseep.so:xlibseep.so", "/l/libseep.so:xlibseep.so"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *value = library_path_preload("/l/libseep.so", cases[i][0]);
		assert_string_equal(value, cases[i][1]);
		free(value);
	}
}

static void uses_the_library_that_the_environment_names(void **state)
{
	char file[] = "/tmp/seep library.XXXXXX", plain[] = "/tmp/seep_library.XXXXXX";
	char path[PATH_MAX];
	struct error error;

	(void)state;
	close(mkstemp(plain));
	setenv("SEEP_LIBRARY", plain, 1);
	assert_int_equal(library_path_find(path, &error), 0);
	assert_string_equal(path, plain);
	unlink(plain);
	assert_true(library_path_find(path, &error) < 0);
	assert_non_null(strstr(error.text, "SEEP_LIBRARY: cannot read /tmp/seep_library."));

	/* The dynamic linker would take the two halves for two libraries. */
	close(mkstemp(file));
	setenv("SEEP_LIBRARY", file, 1);
	assert_true(library_path_find(path, &error) < 0);
	assert_non_null(strstr(error.text, "holds a blank or a colon"));
	unlink(file);
	unsetenv("SEEP_LIBRARY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_was_preloaded),
		cmocka_unit_test(uses_the_library_that_the_environment_names),
	};

	return cmocka_run_group_tests_name("library_path", tests, NULL, NULL);
}
