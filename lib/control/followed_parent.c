/* SPDX-License-Identifier: Apache-2.0 */
/*
 * followed_parent: is the process that has started this one followed, too?
 *
 * Its mappings say so to its own user. Where it is another's, or has changed its user, they are hidden;
 * but then the helper of one that is followed has a name that everybody may know.
 *
 *   Runs in   the target, where its file cannot be begun
 *   Locks     none
 *   Memory    512 bytes of stack
 *   Calls     open, read, nanosleep; what control_server_is_of calls
 *   Failure   false
 */
#include "lib/control/followed_parent.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/control_server.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

static const char own_file[] = "/libseep.so\n";
#define OWN_FILE_BYTES (sizeof(own_file) - 1)
#define PATIENCE_NS 200000000u
#define PAUSE_NS 2000000u
#define YOUNG_TICKS 200u /* of 10 ms, as /proc counts them */

static bool holds_own_file(const char *text, size_t bytes)
{
	for (size_t i = 0; i + OWN_FILE_BYTES <= bytes; i++)
		if (memcmp(text + i, own_file, OWN_FILE_BYTES) == 0)
			return true;
	return false;
}

enum library { LIBRARY_ABSENT, LIBRARY_THERE, LIBRARY_HIDDEN };

static enum library look_into(uint32_t pid)
{
	char path[32], part[512];
	struct text name = TEXT_IN(path);
	size_t kept = 0; /* of the part before: the name may be cut in two */
	bool is_found = false;
	long fd, bytes;

	text_add(&name, "/proc/");
	text_add_number(&name, pid);
	text_add(&name, "/maps");
	fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return LIBRARY_HIDDEN;
	while (!is_found &&
	       (bytes = sys_call(SYS_read, fd, part + kept, sizeof(part) - kept)) > 0) {
		size_t filled = kept + (size_t)bytes;

		is_found = holds_own_file(part, filled);
		kept = filled < OWN_FILE_BYTES ? filled : OWN_FILE_BYTES;
		memmove(part, part + filled - kept, kept);
	}
	sys_call(SYS_close, fd);
	return is_found ? LIBRARY_THERE : LIBRARY_ABSENT;
}

bool followed_parent_is_there(void)
{
	uint32_t pid = process_facts.parent_pid;
	enum library library = pid != 0 ? look_into(pid) : LIBRARY_ABSENT;
	uint32_t patience_ns = PATIENCE_NS;
	uint64_t ticks;

	if (library != LIBRARY_HIDDEN)
		return library == LIBRARY_THERE;
	ticks = process_start_ticks(pid);
	/* Its helper may be as young as we are, but not where it has long been there itself. */
	if (ticks + YOUNG_TICKS < process_facts.start_ticks)
		patience_ns = 0;
	for (uint32_t waited = 0;; waited += PAUSE_NS) {
		if (control_server_is_of(pid, ticks))
			return true;
		if (waited >= patience_ns)
			return false;
		sys_sleep_ns(PAUSE_NS);
	}
}
