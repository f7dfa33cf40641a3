/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_lender: begins the files of processes that cannot do it themselves.
 *
 * Who gets one can write to it and do nothing else: it stays ours, in our folder, and by its name nobody
 * else can open, replace or remove it.
 */
#include "tools/commands/file_lender.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* More is no run any more, but somebody who wants to fill a disk that he may not write to. */
#define LENT_MAX 100000u
#define NAMES_TRIED 1000

/* ---- the socket ---- */

static bool draw_digits(char *text, size_t count)
{
	uint8_t bytes[SEEP_LENDER_KEY_DIGITS / 2];

	if (getrandom(bytes, count / 2, 0) != (ssize_t)(count / 2))
		return false;
	for (size_t i = 0; i < count / 2; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return true;
}

static bool bind_to_name(const struct file_lender *lender)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s%s",
			      SEEP_LENDER_NAME_PREFIX, lender->name);

	return bind(lender->fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0;
}

void file_lender_open(struct file_lender *lender)
{
	*lender = (struct file_lender){
		.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	if (lender->fd >= 0 &&
	    (!draw_digits(lender->name, SEEP_LENDER_NAME_DIGITS) ||
	     !draw_digits(lender->key, SEEP_LENDER_KEY_DIGITS) || !bind_to_name(lender)))
		file_lender_close(lender);
}

void file_lender_write_setting(const struct file_lender *lender, FILE *out)
{
	if (lender->fd >= 0)
		fprintf(out, ":%s=%s%s", SEEP_LENDER_SETTING, lender->name, lender->key);
}

void file_lender_close(struct file_lender *lender)
{
	if (lender->fd >= 0)
		close(lender->fd);
	lender->fd = -1;
}

/* ---- the files ---- */

/* Our own, and nobody else can make or rename anything in it. */
static int open_folder(const char *path)
{
	struct stat status;
	int fd;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0 || status.st_uid != geteuid() || status.st_mode & 022) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* As the library names those that it begins: NAME.PID.seep, then NAME.PID.2.seep and so on. */
static int begin_in(int folder, const struct seep_lending_request *request, char file[NAME_MAX])
{
	char name[sizeof(request->name) + 1] = "";
	int fd = -1;

	memcpy(name, request->name, sizeof(request->name));
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	for (unsigned tried = 1; tried <= NAMES_TRIED; tried++) {
		char number[16] = "";
		if (tried > 1)
			snprintf(number, sizeof(number), ".%u", tried);
		snprintf(file, NAME_MAX, "%s.%" PRIu32 "%s.seep", name, request->pid, number);
		fd = openat(folder, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0)
		return -errno;
	flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* ---- asking and answering ---- */

/* fd < 0: why there is none. False where nobody is there any more. */
static bool answer(int socket, const struct sockaddr_un *to, socklen_t to_bytes, int fd,
		   const char *path)
{
	struct seep_lending_head head = {.version = SEEP_LENDING_VERSION,
					 .error = fd < 0 ? -fd : 0};
	struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (char *)path, .iov_len = strlen(path) + 1},
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} rights = {.header = {.cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS,
			       .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct msghdr message = {
		.msg_name = (void *)to,
		.msg_namelen = to_bytes,
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = fd < 0 ? NULL : &rights,
		.msg_controllen = fd < 0 ? 0 : sizeof(rights),
	};

	memcpy(CMSG_DATA(&rights.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void lend(struct file_lender *lender, const char *folder_path,
		 const struct seep_lending_request *request, const struct sockaddr_un *from,
		 socklen_t from_bytes)
{
	int folder = lender->lent_count < LENT_MAX ? open_folder(folder_path) : -EDQUOT;
	char file[NAME_MAX] = "", path[PATH_MAX + NAME_MAX] = "";
	int fd = folder < 0 ? folder : begin_in(folder, request, file);

	if (fd < 0) {
		lender->first_error = lender->refused_count ? lender->first_error : -fd;
		lender->refused_count++;
	} else {
		snprintf(path, sizeof(path), "%s/%s", folder_path, file);
		lender->lent_count++;
	}
	if (!answer(lender->fd, from, from_bytes, fd, path) && fd >= 0)
		unlinkat(folder, file, 0);
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
}

/* Not faster for who has guessed a part of it. */
static bool is_key(const struct file_lender *lender, const char *key)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < SEEP_LENDER_KEY_DIGITS; i++)
		difference |= (unsigned char)(key[i] ^ lender->key[i]);
	return difference == 0;
}

void file_lender_serve(struct file_lender *lender, const char *folder)
{
	struct seep_lending_request request;
	struct sockaddr_un from;
	ssize_t bytes;

	for (;;) {
		socklen_t from_bytes = sizeof(from);
		bytes = recvfrom(lender->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC,
				 (struct sockaddr *)&from, &from_bytes);
		if (bytes < 0)
			return;
		if (bytes == (ssize_t)sizeof(request) && request.version == SEEP_LENDING_VERSION &&
		    is_key(lender, request.key))
			lend(lender, folder, &request, &from, from_bytes);
	}
}
