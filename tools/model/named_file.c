/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named_file: opens like a file what may be something else.
 */
#include "tools/model/named_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What open never says stands for what it would wait for, or that is no place for a text. */
#define IS_FIFO ESPIPE
#define IS_NO_FILE ENOTBLK

#define HARMLESS_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define FIRST_ROOM_BYTES 4096u

bool named_file_is_standard(const struct stat *status)
{
	struct stat standard;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &standard) == 0 && standard.st_dev == status->st_dev &&
		    standard.st_ino == status->st_ino)
			return true;
	return false;
}

bool named_file_is_fifo(int fd)
{
	struct statfs system;

	return fstatfs(fd, &system) != 0 || system.f_type != PIPEFS_MAGIC;
}

/* 0, or why not. */
static int check(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return errno;
	if (S_ISREG(status.st_mode) || S_ISCHR(status.st_mode) || named_file_is_standard(&status))
		return 0;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (!S_ISFIFO(status.st_mode))
		return IS_NO_FILE;
	return named_file_is_fifo(fd) ? IS_FIFO : 0;
}

int named_file_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	int code = fd < 0 ? errno : check(fd);
	struct stat status;

	if (code == 0) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		return fd;
	}
	/* A FIFO that nobody reads, or a socket. */
	if (fd < 0 && code == ENXIO && stat(path, &status) == 0)
		code = S_ISFIFO(status.st_mode) ? IS_FIFO : IS_NO_FILE;
	if (fd >= 0)
		close(fd);
	return -code;
}

/* Where there is no /proc: what it is by now shows when it is open. */
static int open_same(const char *path, const struct stat *wanted)
{
	struct stat status;
	int fd = open(path, HARMLESS_FLAGS);

	if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_dev != wanted->st_dev ||
			status.st_ino != wanted->st_ino)) {
		close(fd);
		fd = -1;
		errno = IS_NO_FILE;
	}
	return fd;
}

int named_file_open_harmless(const char *path)
{
	char link[64];
	struct stat status;
	int place = open(path, O_PATH | O_CLOEXEC);

	if (place < 0)
		return -errno;
	bool is_harmless =
		fstat(place, &status) == 0 &&
		(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISFIFO(status.st_mode));
	/* By its name it could be another one by now. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	int fd = is_harmless ? open(link, HARMLESS_FLAGS) : -1;
	if (fd < 0 && is_harmless && errno == ENOENT)
		fd = open_same(path, &status);
	int code = is_harmless ? errno : IS_NO_FILE;
	close(place);
	return fd >= 0 ? fd : -code;
}

/* To the end, or one byte beyond what there may be. Most files are short: the memory grows with what is
 * there. Returns 0 or an errno value. */
static int read_to_end(int fd, size_t most, char **text, size_t *bytes)
{
	size_t room = 0;

	for (*bytes = 0; *bytes <= most;) {
		if (*bytes == room) {
			room = room ? 2 * room : FIRST_ROOM_BYTES;
			room = room <= most ? room : most + 1;
			char *larger = realloc(*text, room);
			if (!larger)
				return ENOMEM;
			*text = larger;
		}
		ssize_t got = read(fd, *text + *bytes, room - *bytes);
		if (got == 0) {
			(*text)[*bytes] = '\0';
			return 0;
		}
		if (got < 0 && errno != EINTR)
			return errno;
		*bytes += got > 0 ? (size_t)got : 0;
	}
	return EFBIG;
}

int named_file_read(const char *path, size_t most, char **text, size_t *bytes)
{
	int fd = named_file_open(path, O_RDONLY);

	*text = NULL;
	if (fd < 0)
		return fd;
	int code = read_to_end(fd, most, text, bytes);
	close(fd);
	/* What some editors put before a text, to say that it is one. */
	if (!code && *bytes >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*bytes -= 3;
		memmove(*text, *text + 3, *bytes + 1);
	}
	if (code) {
		free(*text);
		*text = NULL;
	}
	return -code;
}

const char *named_file_why(int code)
{
	switch (code) {
	case IS_FIFO:
		return "it is a FIFO, whose other end may never come; name a file";
	case IS_NO_FILE:
		return "it is a device or socket; name a file";
	default:
		return strerror(code);
	}
}
