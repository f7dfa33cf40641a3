/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tools/commands/run_output.h"
#include "tools/model/error.h"

static char folder[] = "/tmp/seep_run_output.XXXXXX";
static struct error error;

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void makes_a_pattern_absolute(void **state)
{
	char absolute[PATH_MAX], expected[PATH_MAX], before[PATH_MAX], long_name[PATH_MAX];

	(void)state;
	assert_int_equal(run_output_absolute("/x/%e", absolute, &error), 0);
	assert_string_equal(absolute, "/x/%e");
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(mkdir(path_of("100%p"), 0700), 0);
	assert_int_equal(chdir(path_of("100%p")), 0);
	assert_int_equal(run_output_absolute("%e.seep", absolute, &error), 0);
	snprintf(expected, sizeof(expected), "%s/100%%%%p/%%e.seep", folder);
	assert_string_equal(absolute, expected);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(run_output_absolute(long_name, absolute, &error), -ENAMETOOLONG);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(run_output_absolute("a", absolute, &error), 0);
	assert_string_equal(absolute, "/a");
	assert_int_equal(chdir(before), 0);
}

static void knows_the_folder(void **state)
{
	char text[PATH_MAX];

	(void)state;
	assert_true(run_output_folder("/a/b/%e.%p", text));
	assert_string_equal(text, "/a/b");
	assert_true(run_output_folder("/a%%b/c", text));
	assert_string_equal(text, "/a%b");
	assert_true(run_output_folder("/c", text));
	assert_string_equal(text, "/");
	assert_false(run_output_folder("/a/%p/c", text));
}

static void refuses_a_folder_that_cannot_be_written(void **state)
{
	(void)state;
	assert_int_equal(run_output_prepare("/no such folder/x", "p", &error), -ENOENT);
	assert_string_equal(error.text,
			    "cannot write snapshots into the folder /no such folder: No "
			    "such file or directory; make it, or name a file elsewhere, as "
			    "in seep run -o /tmp/%e.%p.seep");
	assert_int_equal(run_output_prepare("/proc/version/x", "p", &error), -EACCES);
	assert_string_equal(error.text,
			    "cannot write snapshots into the folder /proc/version: "
			    "Permission denied; name a file elsewhere, as in seep run -o "
			    "/tmp/%e.%p.seep");
}

static void replaces_the_file_of_an_earlier_run(void **state)
{
	(void)state;
	write_file("a.seep", SEEP_FILE_MAGIC "and more");
	assert_int_equal(run_output_prepare(path_of("a.seep"), "p", &error), 0);
	assert_int_not_equal(access(path_of("a.seep"), F_OK), 0);
	write_file("%e", SEEP_FILE_MAGIC "and more");
	assert_int_equal(run_output_prepare(path_of("%%e"), "p", &error), 0);
	assert_int_not_equal(access(path_of("%e"), F_OK), 0);
	/* As the kernel cuts the name. */
	write_file("a-very-long-nam.seep", SEEP_FILE_MAGIC "and more");
	assert_int_equal(run_output_prepare(path_of("%e.seep"), "/bin/a-very-long-name", &error),
			 0);
	assert_int_not_equal(access(path_of("a-very-long-nam.seep"), F_OK), 0);
}

static void leaves_everything_else_alone(void **state)
{
	(void)state;
	write_file("main.c", "int main(void);\n");
	assert_int_equal(run_output_prepare(path_of("main.c"), "p", &error), -EEXIST);
	assert_non_null(strstr(error.text, "main.c exists and is not a snapshot file"));
	assert_int_equal(access(path_of("main.c"), F_OK), 0);
	assert_int_equal(run_output_prepare(folder, "p", &error), -EEXIST);
	assert_int_equal(run_output_prepare("/dev/null", "p", &error), -EEXIST);
	write_file("p.%p.seep", SEEP_FILE_MAGIC "and more");
	assert_int_equal(run_output_prepare(path_of("%e.%p.seep"), "p", &error), 0);
	assert_int_equal(access(path_of("p.%p.seep"), F_OK), 0);

	write_file("busy.seep", SEEP_FILE_MAGIC "and more");
	int fd = open(path_of("busy.seep"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(run_output_prepare(path_of("busy.seep"), "p", &error), -EBUSY);
	assert_non_null(strstr(error.text, "a running process still writes"));
	close(fd);
}

static void gives_children_a_folder_of_their_own(void **state)
{
	static const struct {
		const char *pattern, *program, *folder, *children;
	} cases[] = {
		{"/a/seep.%e.%p.seep", "/bin/sh", "/a/seep.sh.42.children",
		 "/a/seep.sh.42.children/%e.%p.seep"},
		{"/a/x", "p", "/a/x.children", "/a/x.children/%e.%p.seep"},
		{"/a/x.seep.seep", "p", "/a/x.seep.children", "/a/x.seep.children/%e.%p.seep"},
		{"/a%%p/%e", "./100%p", "/a%p/100%p.children", "/a%%p/100%%p.children/%e.%p.seep"},
		/* As the kernel cuts the name. */
		{"/%e.seep", "a-very-long-name", "/a-very-long-nam.children",
		 "/a-very-long-nam.children/%e.%p.seep"},
	};
	char text[PATH_MAX], long_name[PATH_MAX] = "/";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(
			run_output_children_folder(cases[i].pattern, cases[i].program, 42, text));
		assert_string_equal(text, cases[i].folder);
		assert_true(run_output_children(cases[i].pattern, cases[i].program, 42, text));
		assert_string_equal(text, cases[i].children);
	}
	memset(long_name + 1, 'x', NAME_MAX);
	assert_false(run_output_children(long_name, "p", 42, text));
	for (size_t i = 0; i + 1 < sizeof(long_name); i++)
		long_name[i] = i % 2 ? 'x' : '/';
	assert_false(run_output_children(long_name, "p", 42, text));
}

static void removes_the_children_of_an_earlier_run(void **state)
{
	(void)state;
	write_file("b.seep", SEEP_FILE_MAGIC "and more");
	assert_int_equal(mkdir(path_of("b.children"), 0700), 0);
	write_file("b.children/cc.1.seep", SEEP_FILE_MAGIC "and more");
	write_file("b.children/as.2.seep.2", SEEP_FILE_MAGIC "and more");
	assert_int_equal(run_output_prepare(path_of("b.seep"), "p", &error), 0);
	assert_int_not_equal(access(path_of("b.seep"), F_OK), 0);
	assert_int_not_equal(access(path_of("b.children"), F_OK), 0);

	/* What is not ours stays. */
	assert_int_equal(mkdir(path_of("b.children"), 0700), 0);
	write_file("b.children/cc.1.seep", SEEP_FILE_MAGIC "and more");
	write_file("b.children/notes", "do not forget");
	assert_int_equal(run_output_prepare(path_of("b.seep"), "p", &error), 0);
	assert_int_not_equal(access(path_of("b.children/cc.1.seep"), F_OK), 0);
	assert_int_equal(access(path_of("b.children/notes"), F_OK), 0);
}

static void removes_nothing_while_a_child_still_writes(void **state)
{
	(void)state;
	write_file("c.seep", SEEP_FILE_MAGIC "and more");
	assert_int_equal(mkdir(path_of("c.children"), 0700), 0);
	write_file("c.children/daemon.1.seep", SEEP_FILE_MAGIC "and more");
	write_file("c.children/other.2.seep", SEEP_FILE_MAGIC "and more");
	int fd = open(path_of("c.children/daemon.1.seep"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(run_output_prepare(path_of("c.seep"), "p", &error), -EBUSY);
	assert_non_null(strstr(error.text, "still writes"));
	assert_non_null(strstr(error.text, "c.children/daemon.1.seep"));
	assert_int_equal(access(path_of("c.seep"), F_OK), 0);
	assert_int_equal(access(path_of("c.children/other.2.seep"), F_OK), 0);
	close(fd);
}

static void refuses_a_name_whose_folder_is_none(void **state)
{
	(void)state;
	write_file("d.children", "a file");
	assert_int_equal(run_output_prepare(path_of("d.seep"), "p", &error), -EEXIST);
	assert_non_null(strstr(error.text, "exists and is not a folder"));
	assert_int_equal(symlink(".", path_of("e.children")), 0);
	assert_int_equal(run_output_prepare(path_of("e.seep"), "p", &error), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_a_pattern_absolute),
		cmocka_unit_test(knows_the_folder),
		cmocka_unit_test(refuses_a_folder_that_cannot_be_written),
		cmocka_unit_test(replaces_the_file_of_an_earlier_run),
		cmocka_unit_test(leaves_everything_else_alone),
		cmocka_unit_test(gives_children_a_folder_of_their_own),
		cmocka_unit_test(removes_the_children_of_an_earlier_run),
		cmocka_unit_test(removes_nothing_while_a_child_still_writes),
		cmocka_unit_test(refuses_a_name_whose_folder_is_none),
	};

	return cmocka_run_group_tests_name("run_output", tests, make_folder, remove_folder);
}
