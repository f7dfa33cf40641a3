/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "seep/snapshot_format.h"
#include "tools/commands/run_files.h"
#include "tools/commands/run_judgement.h"
#include "tools/model/error.h"
#include "tools/model/process_stat.h"
#include "tools/model/suppression.h"

static char folder[] = "/tmp/seep_run_files.XXXXXX";
static struct error error;

/* A file of process `pid`, started at second `start`. */
static void write_file(const char *name, uint32_t pid, uint32_t parent, uint32_t forked_from,
		       uint64_t ticks, uint64_t start)
{
	struct seep_file_header header = {
		.magic = SEEP_FILE_MAGIC,
		.version_major = SEEP_VERSION_MAJOR,
		.header_bytes = sizeof(header),
		.byte_order = SEEP_BYTE_ORDER,
		.pid = pid,
		.started_unix_ns = start * 1000000000,
	};
	const struct seep_process process = {
		.struct_bytes = sizeof(process),
		.pid = pid,
		.parent_pid = parent,
		.forked_from = forked_from,
		.start_ticks = ticks,
	};
	struct seep_record_header record = {
		.magic = SEEP_RECORD_MAGIC,
		.type = SEEP_RECORD_PROCESS,
		.payload_bytes = sizeof(process),
		.payload_crc = (uint32_t)crc32(0, (const Bytef *)&process, sizeof(process)),
	};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	header.crc = (uint32_t)crc32(0, (const Bytef *)&header, 60);
	record.header_crc = (uint32_t)crc32(0, (const Bytef *)&record, 28);
	fwrite(&header, sizeof(header), 1, file);
	fwrite(&record, sizeof(record), 1, file);
	fwrite(&process, sizeof(process), 1, file);
	fclose(file);
}

static void find_in(const char *pattern, const char *children, bool has_gaps,
		    struct run_files *files)
{
	char whole[PATH_MAX], whole_children[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", folder, pattern);
	snprintf(whole_children, sizeof(whole_children), "%s/%s", folder, children ? children : "");
	const struct run_identity run = {
		.pattern = whole,
		.children = children ? whole_children : NULL,
		.pid = 100,
		.start_ticks = 7,
		.has_gaps = has_gaps,
	};
	assert_int_equal(run_files_find(&run, files, &error), 0);
}

static void find(const char *pattern, bool has_gaps, struct run_files *files)
{
	find_in(pattern, NULL, has_gaps, files);
}

static const char *name_of(const struct run_files *files, size_t index)
{
	return strrchr(files->files[index].path, '/') + 1;
}

static int begun_fd; /* of a file that a process has locked */

static int open_empty(const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static bool is_there(const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_file("seep.sh.100.seep", 100, 1, 0, 7, 1000);	  /* the program, */
	write_file("seep.make.100.seep", 100, 1, 0, 7, 1002);	  /* after an exec, */
	write_file("seep.sh.101.seep", 101, 100, 100, 9, 1001);	  /* its child, */
	write_file("seep.cc.101.seep", 101, 100, 0, 9, 1003);	  /* after an exec, */
	write_file("seep.as.102.seep", 102, 1, 101, 9, 1004);	  /* its orphaned grandchild, */
	write_file("seep.sh.100.seep.103", 103, 102, 0, 9, 1005); /* another child's, */
	write_file("seep.old.100.seep", 100, 1, 0, 6, 10);	  /* an earlier process 100, */
	write_file("seep.old.101.seep", 101, 100, 0, 6, 11);	  /* with its child, */
	write_file("seep.other.200.seep", 200, 1, 0, 8, 1001);	  /* and a run at the same time */

	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/seep.sh.100.children", folder);
	if (mkdir(path, 0700) != 0)
		return -1;
	write_file("seep.sh.100.children/ls.300.seep", 300, 299, 0, 9, 1001); /* of an unknown */
	write_file("seep.sh.100.children/ls.301.seep", 301, 100, 0, 9, 999);  /* of another run */
	/* Killed before it had written anything; about to write; and somebody else's. */
	close(open_empty("seep.sh.100.children/killed.302.seep"));
	begun_fd = open_empty("seep.sh.100.children/begun.303.seep");
	close(open_empty("seep.empty.304.seep"));
	return begun_fd < 0 || flock(begun_fd, LOCK_EX) != 0;
}

static int remove_folder(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void finds_the_program_and_its_descendants(void **state)
{
	static const char *const expected[] = {"seep.sh.100.seep",   "seep.sh.101.seep",
					       "seep.make.100.seep", "seep.cc.101.seep",
					       "seep.as.102.seep",   "seep.sh.100.seep.103"};
	struct run_files files;

	(void)state;
	find("seep.%e.%p.seep", false, &files);
	assert_int_equal(files.count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(name_of(&files, i), expected[i]);
	assert_int_equal(files.root, 2);
	assert_int_equal(files.child_count, 3);
	run_files_free(&files);
}

static void takes_what_began_later_where_the_chain_has_gaps(void **state)
{
	struct run_files files;

	(void)state;
	find("seep.%e.%p.seep", true, &files);
	assert_int_equal(files.count, 7);
	run_files_free(&files);
}

static void takes_all_of_the_run_in_the_folder_of_the_children(void **state)
{
	struct run_files files;

	(void)state;
	find_in("seep.sh.100.seep", "seep.sh.100.children/%e.%p.seep", false, &files);
	assert_int_equal(files.count, 2);
	assert_string_equal(name_of(&files, 0), "seep.sh.100.seep");
	assert_int_equal(files.root, 0);
	assert_string_equal(name_of(&files, 1), "ls.300.seep");
	assert_true(files.files[1].is_in_folder);
	assert_false(files.files[0].is_in_folder);
	run_files_free(&files);
}

static void removes_what_was_killed_before_it_was_begun(void **state)
{
	struct run_files files;

	(void)state;
	find_in("seep.sh.100.seep", "seep.sh.100.children/%e.%p.seep", false, &files);
	run_files_free(&files);
	assert_false(is_there("seep.sh.100.children/killed.302.seep"));
	assert_true(is_there("seep.sh.100.children/begun.303.seep"));
	find("seep.%e.%p.seep", false, &files);
	run_files_free(&files);
	assert_true(is_there("seep.empty.304.seep"));
}

static void finds_nothing_where_nothing_is(void **state)
{
	struct run_files files;

	(void)state;
	find("none.%e.%p.seep", false, &files);
	assert_int_equal(files.count, 0);
	assert_int_equal(files.root, files.count);
	run_files_free(&files);
	const struct run_identity nowhere = {.pattern = "/no/folder/%p", .children = "/no/%p"};
	assert_int_equal(run_files_find(&nowhere, &files, &error), 0);
	assert_int_equal(files.count, 0);
}

static void is_not_misled_by_what_is_no_snapshot_file(void **state)
{
	const size_t first_record_bytes = sizeof(struct seep_file_header) +
					  sizeof(struct seep_record_header) +
					  sizeof(struct seep_process);
	struct run_files files;
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/odd.1", folder);
	for (size_t bytes = 0; bytes < 200; bytes += 9) {
		write_file("odd.1", 100, 1, 0, 7, 1000);
		assert_int_equal(truncate(path, (off_t)bytes), 0);
		find("odd.%p", false, &files);
		/* Without the first record nobody knows whose it is. */
		assert_int_equal(files.count, bytes >= first_record_bytes ? 1 : 0);
		run_files_free(&files);
	}
}

/* Whoever may write to the folder can put a link there that leads to a device. */
static void opens_no_device_that_has_such_a_name(void **state)
{
	char device[PATH_MAX], link[PATH_MAX];
	struct inotify_event event;
	struct run_files files;

	(void)state;
	snprintf(device, sizeof(device), "%s/device", folder);
	snprintf(link, sizeof(link), "%s/linked.1", folder);
	if (mknod(device, S_IFCHR | 0600, makedev(1, 3)) != 0) {
		print_message("this user can make no device\n");
		skip();
	}
	assert_int_equal(symlink(device, link), 0);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(watch, device, IN_OPEN) >= 0);
	find("linked.%p", false, &files);
	assert_int_equal(files.count, 0);
	run_files_free(&files);
	assert_true(read(watch, &event, sizeof(event)) < 0);
	assert_int_equal(errno, EAGAIN);
	close(watch);
	unlink(link);
	unlink(device);
}

static void drops_a_file_that_is_gone_when_it_is_judged(void **state)
{
	struct run_files files;
	struct suppressions suppressions = {0};

	(void)state;
	find("seep.%e.%p.seep", false, &files);
	for (size_t i = 0; i < files.count; i++)
		if (files.files[i].pid == 102 || strstr(files.files[i].path, "seep.cc.101"))
			assert_int_equal(unlink(files.files[i].path), 0);
	assert_int_equal(run_judgement_make(&files, &suppressions, &error), 0);
	assert_int_equal(files.count, 4);
	assert_string_equal(name_of(&files, files.root), "seep.make.100.seep");
	/* Process 101 still has its first file. */
	assert_int_equal(files.child_count, 2);

	assert_int_equal(unlink(files.files[files.root].path), 0);
	assert_int_equal(run_judgement_make(&files, &suppressions, &error), -ENOENT);
	assert_int_equal(files.count, 4);
	run_files_free(&files);
}

/* A child that goes on may have begun its file just when the program ended. */
static void a_process_goes_on_of_which_the_file_says_no_start_yet(void **state)
{
	struct run_file file = {.pid = getpid()};
	struct process_stat stat;

	(void)state;
	assert_true(process_stat_read(getpid(), &stat));
	assert_true(run_file_is_running(&file));
	file.start_ticks = stat.start_ticks;
	assert_true(run_file_is_running(&file));
	file.start_ticks++;
	assert_false(run_file_is_running(&file));
	file = (struct run_file){.pid = fork()};
	if (file.pid == 0)
		_exit(0);
	assert_true(file.pid > 0);
	waitpid(file.pid, NULL, 0);
	assert_false(run_file_is_running(&file));
}

static void makes_a_glob_of_a_pattern(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(run_files_glob("/a/%e.%p%%[x]*?\\.seep", text, sizeof(text)), 0);
	assert_string_equal(text, "/a/*.*%\\[x]\\*\\?\\\\.seep*");
	assert_true(run_files_glob("/long/name", text, 8) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_program_and_its_descendants),
		cmocka_unit_test(takes_what_began_later_where_the_chain_has_gaps),
		cmocka_unit_test(takes_all_of_the_run_in_the_folder_of_the_children),
		cmocka_unit_test(removes_what_was_killed_before_it_was_begun),
		cmocka_unit_test(finds_nothing_where_nothing_is),
		cmocka_unit_test(is_not_misled_by_what_is_no_snapshot_file),
		cmocka_unit_test(opens_no_device_that_has_such_a_name),
		cmocka_unit_test(a_process_goes_on_of_which_the_file_says_no_start_yet),
		cmocka_unit_test(makes_a_glob_of_a_pattern),
		cmocka_unit_test(drops_a_file_that_is_gone_when_it_is_judged),
	};

	return cmocka_run_group_tests_name("run_files", tests, make_folder, remove_folder);
}
