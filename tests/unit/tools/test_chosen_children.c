/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/commands/chosen_children.h"
#include "tools/commands/settings_text.h"
#include "tools/model/error.h"

static char folder[PATH_MAX];
static struct error error;

/* What `value` becomes in a folder with the folder `deep/er` and a link `link` to it; null for an
 * error. */
static const char *resolved(const char *value)
{
	static char text[PATH_MAX];
	struct settings_text settings;

	error.text[0] = '\0';
	assert_int_equal(settings_text_make(&settings, &error), 0);
	assert_int_equal(settings_text_set(&settings, settings_find("children"), value, &error), 0);
	int result = chosen_children_resolve(&settings, &error);
	snprintf(text, sizeof(text), "%s", settings_text_get(&settings, "children"));
	settings_text_free(&settings);
	return result < 0 ? NULL : text;
}

static const char *in_folder(const char *format)
{
	static char text[3 * PATH_MAX];

	snprintf(text, sizeof(text), format, folder, folder);
	return text;
}

static void leaves_words_as_they_are(void **state)
{
	(void)state;
	assert_string_equal(resolved("all"), "all");
	assert_string_equal(resolved("none"), "none");
	assert_string_equal(resolved("cc1,as"), "cc1,as");
}

static void makes_folders_what_the_kernel_calls_them(void **state)
{
	(void)state;
	assert_string_equal(resolved("."), folder);
	assert_string_equal(resolved("deep/../link"), in_folder("%s/deep/er"));
	assert_string_equal(resolved("make,./deep,deep/er/."),
			    in_folder("make,%s/deep,%s/deep/er"));
	assert_string_equal(resolved("/"), "/");
}

static void refuses_a_folder_that_is_not_there(void **state)
{
	(void)state;
	assert_null(resolved("make,./nowhere"));
	assert_string_equal(error.text, "--children: ./nowhere: No such file or directory");
}

static void refuses_a_list_that_has_become_too_long(void **state)
{
	char list[1024] = ".";

	(void)state;
	for (size_t i = 0; i < 300; i++)
		strcat(list, ",.");
	assert_null(resolved(list));
	assert_non_null(strstr(error.text, "longer than"));
}

static void knows_which_programs_are_left_out(void **state)
{
	char program[PATH_MAX + 32], other[PATH_MAX + 32];

	(void)state;
	snprintf(program, sizeof(program), "%s/deep/er/test_of_everything", folder);
	fclose(fopen(program, "w"));
	snprintf(other, sizeof(other), "%s/link/test_of_everything", folder);
	assert_false(chosen_children_leave_out("all", program));
	assert_false(chosen_children_leave_out("none", program));
	assert_false(chosen_children_leave_out(in_folder("make,%s/deep"), program));
	assert_false(chosen_children_leave_out(in_folder("make,%s/deep"), other));
	assert_false(chosen_children_leave_out("/", program));
	/* As much of the name as the kernel keeps. */
	assert_false(chosen_children_leave_out("make,test_of_everyth", program));
	assert_true(chosen_children_leave_out("test_of,test_of_everything,er", program));
	assert_true(chosen_children_leave_out(in_folder("%s/de,%s/deep/er/test"), program));
	unlink(program);
}

static int make_folder(void **state)
{
	char name[] = "/tmp/seep_chosen_children.XXXXXX";

	(void)state;
	if (!mkdtemp(name) || !realpath(name, folder) || chdir(folder) != 0)
		return -1;
	return mkdir("deep", 0700) || mkdir("deep/er", 0700) || symlink("deep/er", "link");
}

static int remove_folder(void **state)
{
	(void)state;
	return unlink("link") || rmdir("deep/er") || rmdir("deep") || chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_words_as_they_are),
		cmocka_unit_test(makes_folders_what_the_kernel_calls_them),
		cmocka_unit_test(refuses_a_folder_that_is_not_there),
		cmocka_unit_test(refuses_a_list_that_has_become_too_long),
		cmocka_unit_test(knows_which_programs_are_left_out),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
