/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_source_place: a source is known again from every checkout and build, and no other one for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/model/report.h"
#include "tools/model/source_place.h"

static char box[] = "/tmp/seep-source-XXXXXX";

static struct source_place place_in(const char *file, const char *module, const char *folder)
{
	struct frame frames[] = {{.function = "operator new", .is_wrapper = true},
				 {.function = "main", .file = file, .module = module}};
	const struct report_site site = {.frames = frames, .frame_count = 2};

	return source_place_of(&site, folder);
}

static void expect_place(const char *file, const char *folder, const char *expected)
{
	const struct source_place place = place_in(file, "/bin/x", folder);

	assert_string_equal(place.path, expected);
}

static void a_place_is_seen_from_the_folder(void **state)
{
	(void)state;
	expect_place("/home/a/p/test1/main.c", "/home/a/p", "test1/main.c");
	expect_place("/home/a/p/main.c", "/home/a/p", "main.c");
	expect_place("/home/a/p/src/main.c", "/home/a/p/ci", "../src/main.c");
	expect_place("/home/a/pp/main.c", "/home/a/p", "../pp/main.c");
	expect_place("/home/a/p/main.c", "/home/a/p/ci/known", "../../main.c");
	expect_place("/home/a/p/build/../src/./x//main.c", "/home/a/p", "src/x/main.c");
	expect_place("/home/main.c", "/home/a/p", "../../main.c");
	/* Only the root in common: the other is no part of the project. */
	expect_place("/usr/include/x.h", "/home/a/p", "/usr/include/x.h");
	expect_place("/../x.c", "/home/a/p", "/x.c");
	/* As with -ffile-prefix-map. */
	expect_place("./src/main.c", "/home/a/p", "src/main.c");
	expect_place("../src/../lib/main.c", "/home/a/p", "../lib/main.c");
	expect_place("a/../../main.c", "/home/a/p", "../main.c");
	/* What would end a line, or the parentheses in which it stands. */
	expect_place("a(1)\n/main.c", "/home/a/p",
		     "a?1?"
		     "?/main.c");
	expect_place("/x/main.c", "", "/x/main.c");
}

static void without_a_source_it_is_the_module(void **state)
{
	(void)state;
	struct source_place place = place_in(NULL, "/home/a/p/build/test1/t", "/home/a/p");
	assert_true(place.is_module);
	assert_string_equal(place.path, "build/test1/t");
	place = place_in(NULL, NULL, "/home/a/p");
	assert_string_equal(place.path, "?");
}

/* strdup, called by two programs, is not the same place. */
static void of_a_library_of_the_system_it_is_who_called_it(void **state)
{
	struct frame frames[] = {
		{.function = "getline", .file = "./libio/x.c", .module = "/lib/x/libc.so.6"},
		{.function = "main", .file = "/home/a/p/test1/main.c", .module = "/bin/x"}};
	struct report_site site = {.frames = frames, .frame_count = 2};

	(void)state;
	assert_string_equal(source_place_of(&site, "/home/a/p").path, "test1/main.c");
	site.frame_count = 1;
	assert_string_equal(source_place_of(&site, "/home/a/p").path, "libio/x.c");
}

static void of_a_long_one_the_end_counts(void **state)
{
	char file[2 * SOURCE_PLACE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = i % 100 ? 'x' : '/';
	strcpy(file + sizeof(file) - 8, "/main.c");
	const struct source_place place = place_in(file, NULL, "/home/a/p");
	assert_memory_equal(place.path, "*/x", 3);
	assert_string_equal(place.path + strlen(place.path) - 7, "/main.c");
	assert_true(source_place_is(&place, place.path));
	assert_true(source_place_is(&place, "*/main.c"));
}

static void anywhere_means_each_folder(void **state)
{
	const struct source_place place = place_in("/home/a/p/test1/main.c", NULL, "/home/a/p");

	(void)state;
	assert_true(source_place_is(&place, "test1/main.c"));
	assert_true(source_place_is(&place, "*/main.c"));
	assert_true(source_place_is(&place, "*/test1/main.c"));
	assert_false(source_place_is(&place, "test2/main.c"));
	assert_false(source_place_is(&place, "*/ain.c"));
	assert_false(source_place_is(&place, "*/test2/main.c"));
	assert_false(source_place_is(&place, "main.c"));
}

static bool may_be(const char *file, const char *module, const char *written)
{
	const struct source_place place = place_in(file, module, "/home/a/p");

	assert_false(source_place_is(&place, written));
	return source_place_may_be(&place, written, "/home/a/p");
}

static void what_lies_elsewhere_may_be_the_same_by_its_folders(void **state)
{
	(void)state;
	assert_true(may_be("/tmp/sandbox/test1/main.c", NULL, "test1/main.c"));
	assert_true(may_be("/home/a/p/test1/main.c", NULL, "/tmp/sandbox/test1/main.c"));
	assert_false(may_be("/tmp/sandbox/test2/main.c", NULL, "test1/main.c"));
	assert_false(may_be("/tmp/sandbox/main.c", NULL, "main.c"));
	assert_false(may_be("/home/a/p/two/tests/main.c", NULL, "one/tests/main.c"));
	/* Two builds without debug information. */
	assert_true(may_be(NULL, "/home/a/p/b1/test1/t", "b2/test1/t"));
	assert_true(may_be(NULL, "/home/a/p/test1/t", "b2/test1/t"));
	assert_false(may_be(NULL, "/home/a/p/b1/test1/t", "b1/test2/t"));
	assert_false(may_be(NULL, "/home/a/p/b1/mytest/t", "b2/test/t"));
}

static void touch(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", box, name);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void what_is_gone_may_be_what_is_there(void **state)
{
	char one[256], two[256];

	(void)state;
	touch("one.c", one);
	touch("two.c", two);
	struct source_place place = place_in(two, NULL, box);
	assert_true(place.exists);
	assert_false(source_place_may_be(&place, "one.c", box));
	assert_false(source_place_may_be(&place, one, box));
	unlink(one);
	assert_true(source_place_may_be(&place, "one.c", box));
	assert_true(source_place_may_be(&place, one, box));
	unlink(two);
	place = place_in(two, NULL, box);
	assert_false(source_place_may_be(&place, "one.c", box));
}

static void links_are_followed(void **state)
{
	char target[256], linked[256], folder[PATH_MAX], file[256];

	(void)state;
	snprintf(target, sizeof(target), "%s/real", box);
	snprintf(linked, sizeof(linked), "%s/link", box);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink("real", linked), 0);
	touch("real/main.c", file);
	strcat(linked, "/main.c");
	source_place_folder(file, folder);
	assert_string_equal(folder, target);
	assert_string_equal(place_in(linked, NULL, folder).path, "main.c");
	source_place_folder(linked, folder);
	assert_string_equal(folder, target);
	source_place_folder("/nowhere/x", folder);
	assert_string_equal(folder, "");
	unlink(file);
	rmdir(target);
	linked[strlen(linked) - 7] = '\0';
	unlink(linked);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(box) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_seen_from_the_folder),
		cmocka_unit_test(without_a_source_it_is_the_module),
		cmocka_unit_test(of_a_library_of_the_system_it_is_who_called_it),
		cmocka_unit_test(of_a_long_one_the_end_counts),
		cmocka_unit_test(anywhere_means_each_folder),
		cmocka_unit_test(what_lies_elsewhere_may_be_the_same_by_its_folders),
		cmocka_unit_test(what_is_gone_may_be_what_is_there),
		cmocka_unit_test(links_are_followed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
