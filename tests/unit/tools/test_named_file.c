/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_named_file: what somebody else has named is opened only where that does no harm.
 */
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
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/model/named_file.h"

static char folder[] = "/tmp/seep-unit-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *named(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void reads_files_folders_and_pipes(void **state)
{
	char text[8];

	(void)state;
	int file = open(named("file"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(file, "text", 4), 4);
	close(file);
	file = named_file_open_harmless(path);
	assert_int_equal(read(file, text, sizeof(text)), 4);
	assert_int_equal(fcntl(file, F_GETFD), FD_CLOEXEC);
	close(file);
	unlink(path);
	assert_int_equal(named_file_open_harmless(path), -ENOENT);
	assert_int_equal(mkfifo(named("fifo"), 0600), 0);
	file = named_file_open_harmless(path); /* nobody writes */
	assert_true(file >= 0);
	close(file);
	unlink(path);
	file = named_file_open_harmless(folder);
	assert_true(file >= 0);
	close(file);
}

/* For a device that may mean to rewind, or to wait for a sign of life from now on. */
static void opens_no_device_to_find_out_that_it_is_one(void **state)
{
	struct inotify_event event;

	(void)state;
	if (mknod(named("device"), S_IFCHR | 0600, makedev(1, 3)) != 0) {
		print_message("this user can make no device\n");
		skip();
	}
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	int code = named_file_open_harmless(path);
	assert_true(read(watch, &event, sizeof(event)) < 0);
	assert_int_equal(errno, EAGAIN);
	int opened = open(path, O_RDONLY | O_CLOEXEC);
	if (opened < 0) {
		print_message("devices are of no use here: %d\n", errno);
	} else {
		assert_int_equal(read(watch, &event, sizeof(event)), sizeof(event));
		close(opened);
	}
	close(watch);
	unlink(path);
	assert_string_equal(named_file_why(-code), "it is a device or socket; name a file");
}

static void nor_a_socket(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", named("socket"));
	assert_int_equal(bind(file, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_string_equal(named_file_why(-named_file_open_harmless(path)),
			    "it is a device or socket; name a file");
	close(file);
	unlink(path);
}

/* As an editor on Windows begins it, and as one that lacks the rest. */
static void a_text_begins_behind_its_byte_order_mark(void **state)
{
	static const struct {
		const char *written, *read;
	} texts[] = {{"\xef\xbb\xbfleak:a\n", "leak:a\n"},
		     {"\xef\xbb\xbf", ""},
		     {"\xef\xbb", "\xef\xbb"},
		     {"a\xef\xbb\xbf", "a\xef\xbb\xbf"},
		     {"", ""}};
	char *text;
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *file = fopen(named("text"), "w");
		fputs(texts[i].written, file);
		fclose(file);
		assert_int_equal(named_file_read(path, 100, &text, &bytes), 0);
		assert_string_equal(text, texts[i].read);
		assert_int_equal(bytes, strlen(texts[i].read));
		free(text);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files_folders_and_pipes),
		cmocka_unit_test(opens_no_device_to_find_out_that_it_is_one),
		cmocka_unit_test(nor_a_socket),
		cmocka_unit_test(a_text_begins_behind_its_byte_order_mark),
	};

	return cmocka_run_group_tests_name("named_file", tests, make_folder, remove_folder);
}
