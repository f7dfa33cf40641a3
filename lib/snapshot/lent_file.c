/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lent_file: a file that seep run has begun for this process, which cannot do that itself.
 *
 *   Runs in   the target, at its start or where a fork's file is begun
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    the caller's, and 300 bytes of stack
 *   Calls     socket, connect, bind, setsockopt, sendto, ppoll, recvmsg
 *   Failure   a negative errno value: nobody is there, or does not answer within a second
 */
#include "lib/snapshot/lent_file.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/snapshot/process_facts.h"
#include "seep/file_lending.h"

#include "lib/base/poison.h"

#define PATIENCE_NS 1000000000ull
/* A descriptor, and who has sent it. */
#define PARTS_BYTES (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)))

static _Atomic(bool) is_spared; /* a fork inherits it */

void lent_file_spare(void)
{
	atomic_store(&is_spared, true);
}

void lent_file_expect(void)
{
	atomic_store(&is_spared, false);
}

/* What comes is from the lender then, and from nobody else. An address of our own is for it to answer to. */
static long connect_to_lender(long fd)
{
	static const char prefix[] = SEEP_LENDER_NAME_PREFIX;
	const size_t prefix_bytes = sizeof(prefix) - 1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const sa_family_t any = AF_UNIX;
	const int is_wanted = 1;
	long result;

	memcpy(address.sun_path + 1, prefix, prefix_bytes);
	memcpy(address.sun_path + 1 + prefix_bytes, options.file_lender, SEEP_LENDER_NAME_DIGITS);
	result = sys_call(SYS_connect, fd, &address,
			  offsetof(struct sockaddr_un, sun_path) + 1 + prefix_bytes +
				  SEEP_LENDER_NAME_DIGITS);
	if (result == 0)
		result = sys_call(SYS_setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &is_wanted,
				  sizeof(is_wanted));
	if (result == 0)
		result = sys_call(SYS_bind, fd, &any, sizeof(any));
	return result;
}

/* Until it can be read from or written to, whatever signals come. */
static bool await(long fd, short event, uint64_t until_ns)
{
	struct pollfd wait = {.fd = (int)fd, .events = event};
	long result;

	do {
		uint64_t now = sys_clock_ns(CLOCK_MONOTONIC);
		uint64_t left = now < until_ns ? until_ns - now : 0;
		struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u),
					   .tv_nsec = (long)(left % 1000000000u)};

		result = sys_call(SYS_ppoll, &wait, 1, &timeout, 0, 0);
	} while (result == -EINTR);
	return result == 1 && (wait.revents & event) != 0;
}

static long ask(long fd, uint64_t until_ns)
{
	struct seep_lending_request request = {.version = SEEP_LENDING_VERSION,
					       .pid = process_facts.pid};
	struct text name = TEXT_IN(request.name);
	long result;

	text_add(&name, process_facts.name);
	memcpy(request.key, options.file_lender + SEEP_LENDER_NAME_DIGITS, sizeof(request.key));
	do {
		/* A lender of whom many ask at once has no room for another packet. */
		if (!await(fd, POLLOUT, until_ns))
			return -ETIMEDOUT;
		result = sys_call(SYS_sendto, fd, &request, sizeof(request),
				  MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	} while (result == -EAGAIN);
	return result;
}

struct parcel {
	long fd; /* the file, or a negative errno value */
	bool is_believable;
};

/* The only descriptor of this part. Where there are more it is none of ours, and none is kept. */
static long take_only(const struct cmsghdr *part)
{
	const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fds[PARTS_BYTES / sizeof(int)];

	memcpy(fds, CMSG_DATA(part), count * sizeof(int));
	if (count == 1)
		return fds[0];
	for (size_t i = 0; i < count; i++)
		sys_call(SYS_close, fds[i]);
	return -EBADMSG;
}

static struct parcel unpack(struct msghdr *message)
{
	struct parcel parcel = {.fd = -EBADMSG};
	struct ucred sender;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET)
			continue;
		if (part->cmsg_type == SCM_RIGHTS) {
			parcel.fd = take_only(part);
		} else if (part->cmsg_type == SCM_CREDENTIALS &&
			   part->cmsg_len == CMSG_LEN(sizeof(sender))) {
			memcpy(&sender, CMSG_DATA(part), sizeof(sender));
			parcel.is_believable =
				sender.uid == 0 || sender.uid == (uid_t)sys_call(SYS_geteuid);
		}
	}
	return parcel;
}

static long receive(long fd, uint64_t until_ns, char *path, size_t path_bytes)
{
	struct seep_lending_head head;
	struct iovec rooms[] = {{.iov_base = &head, .iov_len = sizeof(head)},
				{.iov_base = path, .iov_len = path_bytes}};
	_Alignas(struct cmsghdr) char parts[PARTS_BYTES];
	struct msghdr message = {.msg_iov = rooms,
				 .msg_iovlen = sizeof(rooms) / sizeof(rooms[0]),
				 .msg_control = parts,
				 .msg_controllen = sizeof(parts)};
	struct parcel parcel;
	long bytes;

	if (!await(fd, POLLIN, until_ns))
		return -ETIMEDOUT;
	bytes = sys_call(SYS_recvmsg, fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (bytes < 0)
		return bytes;
	parcel = unpack(&message);
	if (bytes >= (long)sizeof(head) && head.version == SEEP_LENDING_VERSION &&
	    parcel.is_believable) {
		path[path_bytes - 1] = 0;
		return parcel.fd < 0 && head.error > 0 ? -head.error : parcel.fd;
	}
	if (parcel.fd >= 0)
		sys_call(SYS_close, parcel.fd);
	return -EBADMSG;
}

int lent_file_take(char *path, size_t path_bytes)
{
	uint64_t until_ns = sys_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	long fd, result;

	/* Who takes snapshots inline opens the file for each, by its name. */
	if (options.file_lender[0] == 0 || options.snapshots_by == SNAPSHOTS_BY_INLINE ||
	    atomic_load(&is_spared))
		return -EACCES;
	fd = sys_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (int)fd;
	result = connect_to_lender(fd);
	if (result >= 0)
		result = ask(fd, until_ns);
	if (result >= 0)
		result = receive(fd, until_ns, path, path_bytes);
	sys_call(SYS_close, fd);
	/* Who is refused, or waits in vain, is not to ask for the next place where the file might lie. */
	if (result < 0)
		lent_file_spare();
	return (int)result;
}
