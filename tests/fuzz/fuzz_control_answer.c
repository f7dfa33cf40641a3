/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_control_answer: a hostile process answers the tool's question.
 *
 * This process is the one that is asked. Its socket is real; what comes out of it is the input (recv
 * is replaced when the target is linked). The first byte says what is asked and by which command, the
 * next 15 are the name of the process, the rest is the answer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "seep/control_protocol.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/tool_call.h"
#include "tools/commands/target.h"
#include "tools/model/process_stat.h"

#define NAME_BYTES 15u

static const char *const commands[][4] = {
	{"snapshot"},
	{"snapshot", "--label=before"},
	{"mark"},
	{"scan"},
	{"scan", "--format=json"},
	{"report"},
	{"report", "--format=json", "--no-symbols"},
	{"snapshots"},
	{"export", "--format=folded"},
};

static const uint8_t *answer;
static size_t answer_bytes;
static int listener = -1;
static char pid[16];

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	size_t bytes = answer_bytes < size ? answer_bytes : size;

	(void)fd;
	DEMAND(flags == 0, "another recv than that of the answer");
	if (bytes)
		memcpy(buffer, answer, bytes);
	return (ssize_t)bytes;
}

static void listen_as_target(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct process_stat stat;

	DEMAND(process_stat_read(getpid(), &stat), "no /proc");
	int length =
		snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			 SEEP_CONTROL_NAME_FORMAT, (unsigned)getpid(), (unsigned long long)stat.start_ticks);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);

	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	DEMAND(bind(listener, (struct sockaddr *)&address, bytes) == 0 && listen(listener, 4) == 0,
	       "no socket");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
}

/* Those that were asked are not waited for any more. */
static void hang_up(void)
{
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
		close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *arguments[6] = {0};
	char name[NAME_BYTES + 1] = "";
	size_t count = 0;

	if (size < 1 + NAME_BYTES)
		return 0;
	if (listener < 0)
		listen_as_target();
	const char *const *command = commands[data[0] % (sizeof(commands) / sizeof(*commands))];
	for (; count < 4 && command[count]; count++)
		arguments[count] = command[count];
	arguments[count++] = pid;
	if (strcmp(command[0], "mark") == 0)
		arguments[count] = "idle";
	memcpy(name, data + 1, NAME_BYTES);
	prctl(PR_SET_NAME, name);
	answer = data + 1 + NAME_BYTES;
	answer_bytes = size - 1 - NAME_BYTES;
	const struct tool_call *run = tool_call(arguments);
	if (*run->out == '{')
		tool_call_demand_json(run);
	else
		tool_call_demand_harmless(run);
	hang_up();
	return 0;
}
