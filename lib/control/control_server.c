/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_server: the socket on which the tool may ask the helper for something.
 *
 *   Runs in   the helper; a process that asks for another's, which has none
 *   Locks     none
 *   Memory    8 KiB of the helper's stack
 *   Calls     socket, bind, listen, accept4, recvfrom, sendto
 *   Failure   no socket: requests are not possible, snapshots go on
 */
#include "lib/control/control_server.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/schedule.h"
#include "lib/scan/scan.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "seep/control_protocol.h"

#include "lib/base/poison.h"

#define PATIENCE_MS 1000
#define CALLERS_WAITING 8

/* SEEP_CONTROL_NAME_FORMAT without a printf; a test compares the two. */
static socklen_t fill_address(struct sockaddr_un *address, uint32_t pid, uint64_t start_ticks)
{
	char name[64];
	struct text text = TEXT_IN(name);

	text_add(&text, "seep.");
	text_add_number(&text, pid);
	text_add(&text, ".");
	text_add_number(&text, start_ticks);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	for (size_t i = 0; i < text.bytes; i++)
		address->sun_path[1 + i] = name[i];
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + text.bytes);
}

/* After an exec that passed no door the helper of the program before us knows nothing of it yet. */
static void tell_predecessor(long fd, const struct sockaddr_un *address, socklen_t bytes)
{
	const struct seep_control_request request = {.version = SEEP_CONTROL_VERSION,
						     .verb = SEEP_CONTROL_SUCCESSOR};

	if (sys_call(SYS_connect, fd, address, bytes) == 0)
		sys_call(SYS_sendto, fd, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL, 0,
			 0);
}

int control_server_open(void)
{
	struct sockaddr_un address;
	socklen_t bytes = fill_address(&address, process_facts.pid, process_facts.start_ticks);
	long fd = sys_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long result;

	if (fd < 0)
		return (int)fd;
	result = sys_call(SYS_bind, fd, &address, bytes);
	if (result == -EADDRINUSE)
		tell_predecessor(fd, &address, bytes);
	if (result == 0)
		result = sys_call(SYS_listen, fd, CALLERS_WAITING);
	if (result != 0) {
		sys_call(SYS_close, fd);
		return (int)result;
	}
	return (int)fd;
}

bool control_server_is_of(uint32_t pid, uint64_t start_ticks)
{
	struct sockaddr_un address;
	socklen_t bytes = fill_address(&address, pid, start_ticks);
	long fd = sys_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	long result;

	if (fd < 0)
		return false;
	/* Not by a call, which it would have to answer. */
	result = sys_call(SYS_bind, fd, &address, bytes);
	sys_call(SYS_close, fd);
	return result == -EADDRINUSE;
}

static struct ucred peer_of(int caller)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t bytes = sizeof(peer);

	if (sys_call(SYS_getsockopt, caller, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return (struct ucred){.uid = (uid_t)-1};
	return peer;
}

static bool is_allowed(struct ucred peer)
{
	return peer.uid == 0 || peer.uid == (uid_t)sys_call(SYS_geteuid);
}

bool control_server_has_successor(int server)
{
	struct seep_control_request request;
	bool is_there = false;
	long caller;

	while ((caller = sys_call(SYS_accept4, server, 0, 0, SOCK_CLOEXEC)) >= 0) {
		struct ucred peer = peer_of((int)caller);

		/* One in another PID namespace may have the same name. */
		if (is_allowed(peer) && peer.pid != 0 &&
		    sys_call(SYS_recvfrom, caller, &request, sizeof(request), MSG_DONTWAIT, 0, 0) ==
			    (long)sizeof(request) &&
		    request.verb == SEEP_CONTROL_SUCCESSOR)
			is_there = true;
		sys_call(SYS_close, caller);
	}
	return is_there;
}

static int scan_after(const struct snapshot_result *snapshot, bool (*goes_on)(void))
{
	struct scan_order order = {.moment = SCAN_RUNNING,
				   .reason = SEEP_REASON_REQUEST,
				   .snapshot = snapshot->number,
				   .goes_on = goes_on};

	return scan_take(&order, NULL);
}

static enum seep_control_result carry_out(struct seep_control_request *request, long bytes,
					  struct seep_control_answer *answer, bool (*goes_on)(void))
{
	struct snapshot_result snapshot = snapshot_writer_last();
	enum seep_control_result result = SEEP_CONTROL_OK;
	bool is_mark = request->verb == SEEP_CONTROL_MARK;

	if (bytes < (long)sizeof(request->version) || request->version != SEEP_CONTROL_VERSION)
		return SEEP_CONTROL_BAD_VERSION;
	if (bytes != (long)sizeof(*request))
		return SEEP_CONTROL_BAD_REQUEST;
	request->label[sizeof(request->label) - 1] = 0;
	switch (request->verb) {
	case SEEP_CONTROL_STATUS:
		break;
	case SEEP_CONTROL_SNAPSHOT:
	case SEEP_CONTROL_MARK:
	case SEEP_CONTROL_SCAN:
		if (is_mark && request->label[0] == 0)
			return SEEP_CONTROL_BAD_REQUEST;
		answer->error = -snapshot_writer_take(
			is_mark ? SEEP_REASON_MARK : SEEP_REASON_REQUEST,
			request->label[0] ? request->label : NULL, false, &snapshot);
		schedule_taken(&snapshot);
		if (answer->error == 0 && request->verb == SEEP_CONTROL_SCAN)
			answer->error = -scan_after(&snapshot, goes_on);
		if (answer->error != 0)
			result = SEEP_CONTROL_WRITE_FAILED;
		break;
	default:
		return SEEP_CONTROL_BAD_REQUEST;
	}
	answer->snapshot = snapshot.number;
	answer->live_bytes = snapshot.live_bytes;
	answer->live_blocks = snapshot.live_blocks;
	return result;
}

bool control_server_serve(int server, bool (*goes_on)(void))
{
	struct seep_control_request request = {0};
	struct seep_control_answer answer = {.version = SEEP_CONTROL_VERSION};
	struct text path = TEXT_IN(answer.path);
	long caller = sys_call(SYS_accept4, server, 0, 0, SOCK_CLOEXEC);
	struct pollfd wait = {.fd = (int)caller, .events = POLLIN};
	struct timespec patience = {.tv_sec = PATIENCE_MS / 1000};
	long bytes;

	if (caller < 0)
		return caller == -EAGAIN || caller == -ECONNABORTED;
	if (!is_allowed(peer_of((int)caller))) {
		answer.result = SEEP_CONTROL_REFUSED;
	} else if (sys_call(SYS_ppoll, &wait, 1, &patience, 0, 0) != 1) {
		sys_call(SYS_close, caller);
		return true;
	} else {
		bytes = sys_call(SYS_recvfrom, caller, &request, sizeof(request),
				 MSG_DONTWAIT | MSG_TRUNC, 0, 0);
		text_add(&path, snapshot_file_path());
		answer.result = carry_out(&request, bytes, &answer, goes_on);
	}
	sys_call(SYS_sendto, caller, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	sys_call(SYS_close, caller);
	return true;
}
