/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invariant: what must always hold of our structures, checked in a debug build (make DEBUG=1).
 *
 * Called anywhere, also in a signal handler and with any lock held, so it takes nothing of ours or
 * libc's but text. The end is SIGABRT by its default action: a handler of the program must not go on
 * with a structure that is not sound.
 *
 *   Runs in   the target and the helper of a debug build, once in their lives
 *   Locks     none
 *   Memory    1 KiB of stack
 *   Calls     openat, write, rt_sigaction, rt_sigprocmask, tgkill
 *   Failure   it is one; where the line cannot be written the process ends all the same
 */
#include "lib/base/invariant.h"

#include <signal.h>
#include <stdatomic.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

#ifndef INVARIANT_LOG
#define INVARIANT_LOG NULL
#endif

const char *invariant_log = INVARIANT_LOG;
static _Atomic(uint32_t) helper_tid, helped_pid;

void invariant_note_helper(uint32_t program_pid)
{
	atomic_store(&helper_tid, program_pid == 0 ? 0 : sys_tid());
	atomic_store(&helped_pid, program_pid);
}

bool invariant_is_in_helper(void)
{
	return INVARIANTS_ARE_CHECKED && atomic_load(&helper_tid) == sys_tid();
}

static void append_to(const char *path, int flags, const struct text *line)
{
	long fd =
		sys_call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);

	if (fd < 0)
		return;
	sys_write_all((int)fd, line->start, line->bytes);
	sys_call(SYS_close, fd);
}

/* The helper's own descriptor 2 may be anything, our file too. */
static void say(const struct text *line)
{
	char path[64];
	struct text program = TEXT_IN(path);

	if (!invariant_is_in_helper()) {
		sys_write_all(2, line->start, line->bytes);
		return;
	}
	text_add(&program, "/proc/");
	text_add_number(&program, atomic_load(&helped_pid));
	text_add(&program, "/fd/2");
	append_to(path, 0, line);
}

void invariant_broken(const char *where_and_what, uint64_t one, const char *other_name,
		      uint64_t other)
{
	uint64_t default_action[4] = {0},
		 abort_signal = 1ull << (SIGABRT - 1); /* as the kernel's */
	char buffer[640];
	struct text line = TEXT_IN(buffer);

	text_add(&line, where_and_what);
	text_add(&line, " = ");
	text_add_number(&line, one);
	text_add(&line, ", ");
	text_add(&line, other_name);
	text_add(&line, " = ");
	text_add_number(&line, other);
	text_add(&line, "\n");
	say(&line);
	if (invariant_log != NULL)
		append_to(invariant_log, O_CREAT, &line);
	sys_call(SYS_rt_sigaction, SIGABRT, default_action, 0, sizeof(abort_signal));
	sys_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &abort_signal, 0, sizeof(abort_signal));
	sys_call(SYS_tgkill, sys_pid(), sys_tid(), SIGABRT);
	__builtin_trap();
}
