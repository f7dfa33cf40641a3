/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number_folder: a folder whose entries are numbers, as the kernel lists threads and descriptors.
 *
 *   Runs in   the helper; a scan; the target as the first process of a PID namespace ends
 *   Locks     none
 *   Memory    4 KiB of stack
 *   Calls     openat, getdents64, close
 *   Failure   false; those before it have been visited
 */
#include "lib/base/number_folder.h"

#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

#define GETDENTS_BYTES 4096u

struct directory_entry { /* linux_dirent64; see getdents(2) */
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

bool number_folder_visit(const char *path, void (*visit)(uint32_t number, void *context),
			 void *context)
{
	_Alignas(struct directory_entry) char entries[GETDENTS_BYTES];
	long fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), got;

	if (fd < 0)
		return false;
	while ((got = sys_call(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < got;) {
			const struct directory_entry *entry = (const void *)&entries[at];
			const char *name = entry->name;
			uint64_t number;

			if (text_read_number(&name, &number))
				visit((uint32_t)number, context);
			at += entry->bytes;
		}
	sys_call(SYS_close, fd);
	return got == 0;
}
