/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/commands/file_lender.h"

static char parent[] = "/tmp/seep_file_lender.XXXXXX";
static char folder[PATH_MAX];
static struct file_lender lender;

static int asker(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const sa_family_t any = AF_UNIX;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int length = sprintf(address.sun_path + 1, "%s%s", SEEP_LENDER_NAME_PREFIX, lender.name);

	assert_true(fd >= 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
		0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

static struct seep_lending_request request_for(const char *name)
{
	struct seep_lending_request request = {.version = SEEP_LENDING_VERSION, .pid = 4711};

	memcpy(request.key, lender.key, sizeof(request.key));
	memcpy(request.name, name, strnlen(name, sizeof(request.name)));
	return request;
}

/* Sends it and has it served. Returns the descriptor that comes back, or -1; -2 where nothing does. */
static int ask(const void *request, size_t bytes, struct seep_lending_head *head,
	       char path[PATH_MAX])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} rights;
	struct iovec parts[] = {{head, sizeof(*head)}, {path, PATH_MAX}};
	struct msghdr message = {.msg_iov = parts,
				 .msg_iovlen = 2,
				 .msg_control = &rights,
				 .msg_controllen = sizeof(rights)};
	int fd = -1, from = asker();

	assert_int_equal(send(from, request, bytes, 0), bytes);
	file_lender_serve(&lender, folder);
	ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	close(from);
	if (got < 0)
		return -2;
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int ask_for(const char *name, struct seep_lending_head *head, char path[PATH_MAX])
{
	struct seep_lending_request request = request_for(name);

	return ask(&request, sizeof(request), head, path);
}

static void begins_a_file_that_is_ours_and_locked(void **state)
{
	struct seep_lending_head head;
	char path[PATH_MAX], expected[2 * PATH_MAX];
	struct stat status, same;

	(void)state;
	int fd = ask_for("worker", &head, path);
	assert_true(fd >= 0);
	assert_int_equal(head.version, SEEP_LENDING_VERSION);
	assert_int_equal(head.error, 0);
	snprintf(expected, sizeof(expected), "%s/worker.4711.seep", folder);
	assert_string_equal(path, expected);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(lstat(path, &same), 0);
	assert_int_equal(status.st_ino, same.st_ino);
	assert_int_equal(status.st_uid, geteuid());
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	int reader = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(reader, LOCK_SH | LOCK_NB), -1);
	close(fd);
	assert_int_equal(flock(reader, LOCK_SH | LOCK_NB), 0);
	close(reader);
}

static void never_gives_a_file_twice(void **state)
{
	struct seep_lending_head head;
	char path[PATH_MAX];

	(void)state;
	int first = ask_for("twin", &head, path);
	int second = ask_for("twin", &head, path);
	assert_true(first >= 0 && second >= 0);
	assert_non_null(strstr(path, "/twin.4711.2.seep"));
	close(first);
	close(second);
}

static void stays_in_its_folder(void **state)
{
	struct seep_lending_head head;
	char path[PATH_MAX], expected[2 * PATH_MAX];

	(void)state;
	int fd = ask_for("../../etc/passwd", &head, path);
	assert_true(fd >= 0);
	snprintf(expected, sizeof(expected), "%s/.._.._etc_passwd.4711.seep", folder);
	assert_string_equal(path, expected);
	close(fd);
}

static void answers_nobody_without_the_key(void **state)
{
	struct seep_lending_request request = request_for("stranger");
	struct seep_lending_head head;
	char path[2 * PATH_MAX];

	(void)state;
	assert_int_equal(ask(&request, sizeof(request) - 1, &head, path), -2);
	request.key[SEEP_LENDER_KEY_DIGITS - 1] ^= 1;
	assert_int_equal(ask(&request, sizeof(request), &head, path), -2);
	request = request_for("stranger");
	request.version++;
	assert_int_equal(ask(&request, sizeof(request), &head, path), -2);
	snprintf(path, sizeof(path), "%s/stranger.4711.seep", folder);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(lender.refused_count, 0);
}

static void writes_into_no_folder_that_others_can_change(void **state)
{
	struct seep_lending_head head;
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(chmod(folder, 0770), 0);
	assert_int_equal(ask_for("worker", &head, path), -1);
	assert_int_equal(head.error, EPERM);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(lender.refused_count, 1);
	assert_int_equal(lender.first_error, EPERM);
}

static void removes_what_nobody_has_received(void **state)
{
	struct seep_lending_request request = request_for("gone");
	char path[2 * PATH_MAX];
	int from = asker();

	(void)state;
	assert_int_equal(send(from, &request, sizeof(request), 0), sizeof(request));
	close(from);
	file_lender_serve(&lender, folder);
	snprintf(path, sizeof(path), "%s/gone.4711.seep", folder);
	assert_int_equal(access(path, F_OK), -1);
}

static void leaves_no_setting_where_it_is_closed(void **state)
{
	struct file_lender other;
	char text[128] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	file_lender_open(&other);
	assert_true(other.fd >= 0);
	assert_string_not_equal(other.name, lender.name);
	assert_string_not_equal(other.key, lender.key);
	file_lender_close(&other);
	file_lender_write_setting(&other, out);
	assert_int_equal(ftell(out), 0);
	file_lender_write_setting(&lender, out);
	fclose(out);
	assert_int_equal(strlen(text), strlen(":file_lender=") + SEEP_LENDER_NAME_DIGITS +
					       SEEP_LENDER_KEY_DIGITS);
}

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof(folder), "%s/x.children", parent);
	file_lender_open(&lender);
	return lender.fd < 0;
}

static int end(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	file_lender_close(&lender);
	snprintf(command, sizeof(command), "rm -r '%s'", parent);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_a_file_that_is_ours_and_locked),
		cmocka_unit_test(never_gives_a_file_twice),
		cmocka_unit_test(stays_in_its_folder),
		cmocka_unit_test(answers_nobody_without_the_key),
		cmocka_unit_test(writes_into_no_folder_that_others_can_change),
		cmocka_unit_test(removes_what_nobody_has_received),
		cmocka_unit_test(leaves_no_setting_where_it_is_closed),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
