/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_control_request: a hostile caller at the control socket of a running process.
 *
 * The library's own server in this process, with its real socket and snapshot file; a scan alone is
 * left out, for it would copy the fuzzer. The first byte of the input says how the caller behaves, the rest is
 * what it sends. Whatever it was: the next caller is served as if nothing had been.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/control/control_server.h"
#include "lib/scan/scan.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "seep/control_protocol.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/lib_life.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"

enum manner {
	MANNER_LEAVES = 1,    /* before it is served */
	MANNER_IS_SILENT = 2, /* and leaves */
	MANNER_SENDS_TWICE = 4,
	MANNER_IS_DEAF = 8, /* has no room for the answer */
	MANNER_SENDS_PARTS = 16,
};

/* Reading the file takes long when it has many snapshots. */
#define READ_EVERY 512u
#define FILE_MAX_BYTES (1u << 20)

static int server;
static char folder[128];

/* In the place of the real one: a scan answers, and is not made. */
int scan_take(const struct scan_order *order, struct seep_scan *found)
{
	(void)found;
	DEMAND(order->snapshot == snapshot_writer_last().number, "of snapshot %u", order->snapshot);
	return 0;
}

static void remove_folder(void)
{
	snapshot_file_remove();
	rmdir(folder);
}

static void start(void)
{
	/* libFuzzer does not always end by exit: tests/fuzz/run removes what lies in there. */
	const char *place = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/seep-fuzz-XXXXXX", place ? place : "/tmp");
	DEMAND(mkdtemp(folder), "no folder");
	lib_life_start();
	process_facts_read(0);
	snprintf(options.output, sizeof(options.output), "%s/fuzz.seep", folder);
	atexit(remove_folder);
	options.max_file_bytes = FILE_MAX_BYTES;
	DEMAND(snapshot_writer_start() == 0, "no record");
	server = control_server_open();
	DEMAND(server >= 0, "no socket: %d", server);
}

static int connect_caller(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			      SEEP_CONTROL_NAME_FORMAT, process_facts.pid,
			      (unsigned long long)process_facts.start_ticks);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	DEMAND(fd >= 0 && connect(fd, (struct sockaddr *)&address, bytes) == 0, "nobody listens");
	return fd;
}

static void demand_answer(const struct seep_control_answer *answer, ssize_t bytes)
{
	DEMAND(bytes == sizeof(*answer), "%zd bytes", bytes);
	DEMAND(answer->version == SEEP_CONTROL_VERSION, "version %u", answer->version);
	DEMAND(answer->result <= SEEP_CONTROL_WRITE_FAILED, "result %u", answer->result);
	DEMAND(memchr(answer->path, 0, sizeof(answer->path)), "a path without an end");
	DEMAND(strcmp(answer->path, snapshot_file_path()) == 0, "another path: %s", answer->path);
	DEMAND(answer->result != SEEP_CONTROL_WRITE_FAILED, "the write failed: %d", answer->error);
}

static void call(unsigned manner, const uint8_t *packet, size_t bytes)
{
	struct seep_control_answer answer;
	int caller = connect_caller(), least = 1;
	size_t first = manner & MANNER_SENDS_PARTS ? bytes / 2 : bytes;

	if (manner & MANNER_IS_DEAF)
		setsockopt(caller, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	if (!(manner & MANNER_IS_SILENT)) {
		send(caller, packet, first, MSG_NOSIGNAL);
		if (manner & MANNER_SENDS_PARTS)
			send(caller, packet + first, bytes - first, MSG_NOSIGNAL);
		if (manner & MANNER_SENDS_TWICE)
			send(caller, packet, bytes, MSG_NOSIGNAL);
	}
	/* Who says nothing and stays is waited for; that is a second of the fuzzer's time. */
	if (manner & (MANNER_LEAVES | MANNER_IS_SILENT)) {
		close(caller);
		control_server_serve(server, NULL);
		return;
	}
	control_server_serve(server, NULL);
	ssize_t got = recv(caller, &answer, sizeof(answer), MSG_DONTWAIT);
	/* The kernel tells first that nobody has read what was sent too much. */
	if (got < 0 && errno == ECONNRESET)
		got = recv(caller, &answer, sizeof(answer), MSG_DONTWAIT);
	if (!(manner & MANNER_IS_DEAF) || got > 0)
		demand_answer(&answer, got);
	close(caller);
}

static void demand_service(void)
{
	const struct seep_control_request request = {.version = SEEP_CONTROL_VERSION,
						     .verb = SEEP_CONTROL_STATUS};
	struct seep_control_answer answer;
	int caller = connect_caller();

	DEMAND(send(caller, &request, sizeof(request), 0) == sizeof(request), "not taken");
	control_server_serve(server, NULL);
	demand_answer(&answer, recv(caller, &answer, sizeof(answer), MSG_DONTWAIT));
	DEMAND(answer.result == SEEP_CONTROL_OK, "result %u", answer.result);
	DEMAND(answer.snapshot == snapshot_writer_last().number, "snapshot %u", answer.snapshot);
	close(caller);
}

static void demand_sound_file(void)
{
	struct profile *profile;
	struct error error;

	DEMAND(profile_read(snapshot_file_path(), &profile, &error) == 0, "%s", error.text);
	DEMAND(profile->damage.damaged_records == 0 && profile->damage.skipped_bytes == 0,
	       "damaged");
	profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned count;

	if (!server)
		start();
	if (size > 0)
		call(data[0], data + 1, size - 1);
	demand_service();
	if (count++ % READ_EVERY == 0)
		demand_sound_file();
	return 0;
}
