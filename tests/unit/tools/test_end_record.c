/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "seep/snapshot_format.h"
#include "tools/commands/end_record.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"

static char path[64];
static struct error error;

static void write_record(FILE *file, uint16_t type, uint32_t sequence, const void *payload,
			 uint32_t bytes)
{
	struct seep_record_header header = {
		.magic = SEEP_RECORD_MAGIC,
		.type = type,
		.payload_bytes = bytes,
		.sequence = sequence,
		.time_ns = 1000 * sequence,
		.payload_crc = (uint32_t)crc32(0, payload, bytes),
	};

	header.header_crc = (uint32_t)crc32(0, (const Bytef *)&header, 28);
	fwrite(&header, sizeof(header), 1, file);
	fwrite(payload, bytes, 1, file);
}

/* A file as the library leaves it: header, process, and perhaps an end. */
static void write_file(uint32_t how, int32_t status)
{
	struct seep_file_header header = {
		.magic = SEEP_FILE_MAGIC,
		.version_major = SEEP_VERSION_MAJOR,
		.header_bytes = sizeof(header),
		.byte_order = SEEP_BYTE_ORDER,
		.pid = 4711,
		.started_unix_ns = (uint64_t)(time(NULL) - 10) * 1000000000,
		.page_bytes = 4096,
	};
	const struct seep_process process = {.struct_bytes = sizeof(process), .pid = 4711};
	const struct seep_end end = {.how = how, .status = status};
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	header.crc = (uint32_t)crc32(0, (const Bytef *)&header, 60);
	fwrite(&header, sizeof(header), 1, file);
	write_record(file, SEEP_RECORD_PROCESS, 0, &process, sizeof(process));
	if (how)
		write_record(file, SEEP_RECORD_END, 1, &end, sizeof(end));
	fclose(file);
}

static off_t file_bytes(void)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void append(uint32_t how, int32_t status)
{
	const struct seep_end end = {how, status, (uint64_t)time(NULL) * 1000000000};
	int fd = end_record_lock(path, 1000, 1000, NULL, NULL, &error);

	assert_true(fd >= 0);
	assert_int_equal(end_record_append(fd, path, &end, &error), 0);
	close(fd);
}

static void assert_ended(enum seep_end_how how, int status, unsigned damaged_records)
{
	struct profile *profile;

	if (profile_read(path, &profile, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(profile->end_how, how);
	assert_int_equal(profile->end_status, status);
	assert_int_equal(profile->damage.damaged_records, damaged_records);
	assert_true(profile->ended_unix_ns > profile->started_unix_ns);
	profile_free(profile);
}

static int make_path(void **state)
{
	(void)state;
	strcpy(path, "/tmp/seep_end_record.XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static void says_how_a_process_ended(void **state)
{
	(void)state;
	write_file(0, 0);
	append(SEEP_END_EXIT, 3);
	assert_ended(SEEP_END_EXIT, 3, 0);
	write_file(0, 0);
	append(SEEP_END_SIGNAL, SIGKILL);
	assert_ended(SEEP_END_SIGNAL, SIGKILL, 0);
}

static void says_it_once(void **state)
{
	(void)state;
	write_file(SEEP_END_EXIT, 3);
	off_t before = file_bytes();
	append(SEEP_END_EXIT, 3);
	assert_int_equal(file_bytes(), before);
}

static void knows_better_than_the_library(void **state)
{
	(void)state;
	write_file(SEEP_END_UNKNOWN, 0);
	append(SEEP_END_SIGNAL, SIGSEGV);
	assert_ended(SEEP_END_SIGNAL, SIGSEGV, 0);
}

static void leaves_a_file_alone_that_ends_with_exec(void **state)
{
	(void)state;
	write_file(SEEP_END_EXEC, 0);
	off_t before = file_bytes();
	append(SEEP_END_EXIT, 0);
	assert_int_equal(file_bytes(), before);
}

static void can_be_read_after_every_torn_tail(void **state)
{
	static const char torn[60] = "SREC torn in the middle";

	(void)state;
	for (size_t bytes = 1; bytes <= sizeof(torn); bytes++) {
		write_file(0, 0);
		FILE *file = fopen(path, "a");
		fwrite(torn, bytes, 1, file);
		fclose(file);
		append(SEEP_END_EXIT, 5);
		struct profile *profile;
		assert_int_equal(profile_read(path, &profile, &error), 0);
		assert_int_equal(profile->end_how, SEEP_END_EXIT);
		assert_int_equal(profile->end_status, 5);
		profile_free(profile);
	}
}

/* Whoever may write to the folder, and runs while we wait for the lock. */
static void writes_to_no_file_that_is_put_in_its_place(void **state)
{
	const struct seep_end end = {.how = SEEP_END_EXIT,
				     .status = 3,
				     .ended_unix_ns = (uint64_t)time(NULL) * 1000000000};
	char moved[80], link[80];

	(void)state;
	write_file(0, 0);
	int fd = end_record_lock(path, 1000, 1000, NULL, NULL, &error);
	assert_true(fd >= 0);
	snprintf(moved, sizeof(moved), "%s.moved", path);
	snprintf(link, sizeof(link), "%s.link", path);
	assert_int_equal(rename(path, moved), 0);
	write_file(SEEP_END_EXIT, 3); /* this one has an end already */
	assert_int_equal(end_record_append(fd, path, &end, &error), 0);
	close(fd);
	assert_int_equal(rename(moved, path), 0);
	assert_ended(SEEP_END_EXIT, 3, 0);
	/* Nor is a file that has become another one taken for the one that it was. */
	fd = end_record_lock(path, 1000, 1000, NULL, NULL, &error);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(write(fd, "root:", 5), 5);
	assert_int_equal(rename(path, moved), 0);
	write_file(0, 0);
	assert_true(end_record_append(fd, path, &end, &error) < 0);
	close(fd);
	assert_int_equal(unlink(moved), 0);
	/* And no link is followed. */
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(end_record_lock(link, 0, 0, NULL, NULL, &error), -ELOOP);
	assert_int_equal(unlink(link), 0);
}

static void refuses_what_is_no_snapshot_file(void **state)
{
	(void)state;
	assert_int_equal(truncate(path, 0), 0);
	int fd = end_record_lock(path, 1000, 1000, NULL, NULL, &error);
	assert_true(fd >= 0);
	assert_true(end_record_append(fd, path, &(struct seep_end){.how = SEEP_END_EXIT}, &error) <
		    0);
	assert_int_equal(file_bytes(), 0);
	close(fd);
	assert_int_equal(end_record_lock("/no/file", 1, 1, NULL, NULL, &error), -ENOENT);
}

/* Another process that holds the lock for a while, and then perhaps puts a new file in place. */
static pid_t start_writer(int hold_ms, bool replaces)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDWR);
		flock(fd, LOCK_EX);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		usleep((useconds_t)hold_ms * 1000);
		if (replaces) {
			char old[80];
			snprintf(old, sizeof(old), "%s.old", path);
			rename(path, old);
			write_file(0, 0);
			unlink(old);
		}
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void count_notice(void *context)
{
	++*(int *)context;
}

static void waits_for_the_writer(void **state)
{
	int notices = 0;

	(void)state;
	write_file(0, 0);
	pid_t writer = start_writer(200, false);
	int fd = end_record_lock(path, 50, 10000, count_notice, &notices, &error);
	assert_true(fd >= 0);
	assert_int_equal(notices, 1);
	close(fd);
	waitpid(writer, NULL, 0);
}

static void locks_the_file_that_took_its_place(void **state)
{
	struct stat ours, named;

	(void)state;
	write_file(0, 0);
	pid_t writer = start_writer(100, true);
	int fd = end_record_lock(path, 10000, 10000, NULL, NULL, &error);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &ours), 0);
	assert_int_equal(stat(path, &named), 0);
	assert_int_equal(ours.st_ino, named.st_ino);
	close(fd);
	waitpid(writer, NULL, 0);
}

static void gives_up_in_the_end(void **state)
{
	(void)state;
	write_file(0, 0);
	pid_t writer = start_writer(60000, false);
	assert_int_equal(end_record_lock(path, 1000, 100, NULL, NULL, &error), -ETIMEDOUT);
	assert_non_null(strstr(error.text, "is still being written"));
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_how_a_process_ended),
		cmocka_unit_test(says_it_once),
		cmocka_unit_test(knows_better_than_the_library),
		cmocka_unit_test(leaves_a_file_alone_that_ends_with_exec),
		cmocka_unit_test(can_be_read_after_every_torn_tail),
		cmocka_unit_test(writes_to_no_file_that_is_put_in_its_place),
		cmocka_unit_test(refuses_what_is_no_snapshot_file),
		cmocka_unit_test(waits_for_the_writer),
		cmocka_unit_test(locks_the_file_that_took_its_place),
		cmocka_unit_test(gives_up_in_the_end),
	};

	return cmocka_run_group_tests_name("end_record", tests, make_path, remove_path);
}
