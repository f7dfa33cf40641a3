/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_tool: the tool, asked for the names of functions.
 *
 * Names take debug information, which a guest does not read. The tool that has started the program does: `seep
 * symbolize` is run as a child of the helper, with nothing but two pipes, no environment and so no library
 * of ours in it, and everything about signals as in a new process.
 *
 *   Runs in   the helper process; the child until it is replaced
 *   Locks     none
 *   Memory    a stack of 64 KiB while it starts; the buffer
 *   Calls     clone, chdir, pipe2, dup3, execve, ppoll, wait4, kill, prctl
 *   Failure   the text stays as it is
 */
#include "lib/control/name_tool.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/base/options.h"
#include "lib/base/raw_task.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/identity.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define STACK_BYTES (64u << 10)
#define PATIENCE_NS 20000000000ull
#define PIECE_BYTES 4096u

/* What the child is told, in memory that it shares with us until it is replaced. */
static int child_in, child_out;

/* A module may be called by a path from where the program stands, and the helper stands at the root. */
static void stand_where_the_program_does(void)
{
	char path[32];
	struct text text = TEXT_IN(path);

	text_add(&text, "/proc/");
	text_add_number(&text, process_facts.pid);
	text_add(&text, "/cwd");
	sys_call(SYS_chdir, path);
}

static void become_tool(void)
{
	static char command[] = "symbolize";
	char *const argv[] = {options.tool, command, NULL};
	char *const environment[] = {NULL};
	uint64_t none = 0;

	long nowhere = sys_call(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC, 0);

	stand_where_the_program_does();
	sys_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Neither is where it belongs yet, for in the helper what was opened first is 0; all that it has open
	 * closes with the exec. */
	if (sys_call(SYS_dup3, child_in, 0, 0) < 0 || sys_call(SYS_dup3, child_out, 1, 0) < 0)
		return;
	sys_call(SYS_dup3, nowhere, 2, 0);
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof(none));
	sys_call(SYS_execve, options.tool, argv, environment);
}

static long start_tool(void)
{
	char *stack = region_map(STACK_BYTES, REGION_KEPT_ON_FORK);
	long pid;

	if (stack == NULL)
		return -ENOMEM;
	/* CLONE_VFORK: we wait until it is replaced, and then the stack is ours again. */
	pid = raw_task_start(CLONE_VM | CLONE_VFORK | CLONE_UNTRACED, stack + STACK_BYTES,
			     become_tool);
	region_unmap(stack, STACK_BYTES);
	return pid;
}

struct talk {
	int to, from; /* -1: over */
	const struct buffer *question;
	size_t told;
	struct buffer answer;
	uint64_t until_ns;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		sys_call(SYS_close, *fd);
	*fd = -1;
}

static void tell(struct talk *talk, size_t bytes)
{
	size_t left = bytes - talk->told;
	long told = sys_call(SYS_write, talk->to, talk->question->start + talk->told,
			     left < PIECE_BYTES ? left : PIECE_BYTES);

	if (told > 0)
		talk->told += (size_t)told;
	if ((told < 0 && told != -EINTR && told != -EAGAIN) || talk->told == bytes)
		close_end(&talk->to);
}

static void hear(struct talk *talk)
{
	long heard;

	if (!buffer_reserve(&talk->answer, PIECE_BYTES)) {
		close_end(&talk->from);
		return;
	}
	heard = sys_call(SYS_read, talk->from, talk->answer.start + talk->answer.bytes,
			 PIECE_BYTES);
	if (heard > 0)
		talk->answer.bytes += (size_t)heard;
	else if (heard != -EINTR && heard != -EAGAIN)
		close_end(&talk->from);
}

/* Both at a time: neither pipe may be full while the other side waits at the other one. False when it takes
 * too long. */
static bool talk_to_end(struct talk *talk, size_t bytes)
{
	while (talk->from >= 0) {
		struct pollfd ends[] = {{.fd = talk->to, .events = POLLOUT},
					{.fd = talk->from, .events = POLLIN}};
		uint64_t now = sys_clock_ns(CLOCK_MONOTONIC);
		struct timespec left = {0};
		long ready;

		if (now >= talk->until_ns)
			return false;
		left.tv_sec = (time_t)((talk->until_ns - now) / 1000000000u);
		left.tv_nsec = (long)((talk->until_ns - now) % 1000000000u);
		ready = sys_call(SYS_ppoll, ends, 2, &left, 0, 0);
		if (ready < 0 && ready != -EINTR)
			return false;
		if (ready <= 0)
			continue;
		if (ends[0].revents != 0)
			tell(talk, bytes);
		if (ends[1].revents != 0)
			hear(talk);
	}
	return true;
}

static bool has_done_well(long pid, bool is_over)
{
	int status = 0;
	long result;

	if (!is_over)
		sys_call(SYS_kill, pid, SIGKILL);
	while ((result = sys_call(SYS_wait4, pid, &status, __WALL, 0)) == -EINTR)
		;
	return is_over && result == pid && status == 0;
}

static void make_pipes(int ends[4])
{
	if (sys_call(SYS_pipe2, ends, O_CLOEXEC) != 0)
		return;
	if (sys_call(SYS_pipe2, ends + 2, O_CLOEXEC) != 0)
		ends[2] = ends[3] = -1;
}

void name_tool_ask(struct buffer *text)
{
	int ends[4] = {-1, -1, -1, -1};
	struct talk talk = {.question = text,
			    .until_ns = sys_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS};
	bool is_over = false;
	long pid = -ENOENT;

	if (options.tool[0] == 0 || text->bytes <= 1 || text->is_failed)
		return;
	/* Its name lies in memory that the program can write: nobody but the program's user may be told
	 * to start it. */
	if (!identity_follow())
		return;
	make_pipes(ends);
	if (ends[3] >= 0) {
		child_in = ends[0];
		child_out = ends[3];
		pid = start_tool();
	}
	close_end(&ends[0]);
	close_end(&ends[3]);
	talk.to = ends[1];
	talk.from = ends[2];
	if (pid > 0)
		is_over = talk_to_end(&talk, text->bytes - 1);
	close_end(&talk.to);
	close_end(&talk.from);
	buffer_add(&talk.answer, "", 1);
	if (pid > 0 && has_done_well(pid, is_over) && talk.answer.bytes > 1 &&
	    !talk.answer.is_failed) {
		struct buffer question = *text;

		*text = talk.answer;
		talk.answer = question;
	}
	buffer_release(&talk.answer);
}
