/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_snapshot_file: what is no snapshot file, or none that can be read, is refused with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"

static void expect_sentence(const char *path, int code, const char *part)
{
	struct profile *profile;
	struct error error = {""};
	assert_int_equal(profile_read(path, &profile, &error), -code);
	if (!strstr(error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void expect_bytes_sentence(const void *bytes, size_t size, int code, const char *part)
{
	struct profile *profile;
	struct error error = {""};
	assert_int_equal(profile_writer_read_bytes(bytes, size, &profile, &error), -code);
	if (!strstr(error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void every_refusal_says_what_is_wrong(void **state)
{
	(void)state;
	expect_sentence("/nonexistent/file.seep", ENOENT, "there is no file");
	expect_sentence("/tmp", EISDIR, "is a directory");
	expect_sentence("/dev/null", EINVAL, "is a device");
	expect_sentence("/dev/zero", EINVAL, "is a device");
	expect_bytes_sentence("", 0, ENODATA, "is empty");
	expect_bytes_sentence("\x7f"
			      "ELF and more than one header's worth of bytes, so that it is read",
			      64, EINVAL, "not a seep file");
	expect_bytes_sentence("S", 1, ENODATA, "cut off before the first record");

	struct profile_writer writer;
	profile_writer_start(&writer);
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENODATA,
			      "cut off before the first record");
	struct seep_file_header *header = (struct seep_file_header *)writer.file.bytes;
	header->version_major = 7;
	header->version_minor = 2;
	profile_writer_process(&writer, 4711, "server");
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENOTSUP, "version 7.2");
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENOTSUP, "up to version 1.9");
	profile_writer_free(&writer);
}

static void says_permission_denied(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message("skipped: root may read everything\n");
		skip();
	}
	char path[] = "/tmp/seep-unit-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	chmod(path, 0);
	expect_sentence(path, EACCES, "permission denied");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_says_what_is_wrong),
		cmocka_unit_test(says_permission_denied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
