/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_mappings: what /proc/PID/maps says, mapping by mapping.
 *
 * Read piece by piece, for there may be as many mappings as the system allows. Of a line only its
 * beginning is kept: the path at its end may be as long as it likes.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static, 8 KiB: stacks are small where the program itself takes the snapshot
 *   Calls     openat, read, close
 *   Failure   false; a line that makes no sense is skipped
 */
#include "lib/snapshot/process_mappings.h"

#include <stddef.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

#define LINE_BYTES 128u /* 73 of them before the name */

static char piece[8192];

/* The beginning of a line, as far as it has been read. */
struct line {
	char start[LINE_BYTES];
	size_t bytes;
};

static bool read_hex(const char **text, uint64_t *number)
{
	const char *next = *text;

	for (*number = 0; next - *text < 16; next++) {
		char digit = *next;

		if (digit >= '0' && digit <= '9')
			*number = *number << 4 | (uint64_t)(digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			*number = *number << 4 | (uint64_t)(digit - 'a' + 10);
		else
			break;
	}
	if (next == *text)
		return false;
	*text = next;
	return true;
}

/* Of what has no name, or one that the program or libc has given it: "[anon:NAME]", since Linux 5.17.
 * Private huge pages look like a file's. */
static enum mapping_kind kind_of(const char *rights, const char *name)
{
	if (!text_begins_with(rights, "rw") || rights[3] != 'p')
		return MAPPING_OTHER;
	if (text_begins_with(name, "[heap]"))
		return MAPPING_BRK;
	if (text_begins_with(name, "[anon: glibc: pthread stack"))
		return MAPPING_OTHER;
	return *name == 0 || text_begins_with(name, "[anon:") ||
			       text_begins_with(name, "/anon_hugepage")
		       ? MAPPING_ANONYMOUS
		       : MAPPING_OTHER;
}

/* START-END RIGHTS OFFSET DEVICE INODE, spaces, NAME; see proc(5). */
static bool read_line(const char *line, struct process_mapping *mapping)
{
	const char *next = line, *rights;

	if (!read_hex(&next, &mapping->start) || *next++ != '-' ||
	    !read_hex(&next, &mapping->end) || *next++ != ' ' || mapping->start >= mapping->end)
		return false;
	rights = next;
	for (int field = 0; field < 4; field++) {
		if (*next == ' ' || *next == 0)
			return false;
		while (*next != ' ' && *next != 0)
			next++;
		while (*next == ' ')
			next++;
	}
	if (next - rights <= 5)
		return false;
	mapping->kind = kind_of(rights, next);
	mapping->is_readable = rights[0] == 'r';
	mapping->is_writable = rights[1] == 'w';
	mapping->is_executable = rights[2] == 'x';
	mapping->is_private = rights[3] == 'p';
	mapping->name = next;
	return true;
}

/* True unless the visitor wants no more. */
static bool end_line(struct line *line, uint64_t *seen_up_to, process_mapping_visitor *visit,
		     void *context)
{
	struct process_mapping mapping;

	line->start[line->bytes] = 0;
	line->bytes = 0;
	if (!read_line(line->start, &mapping) || mapping.end <= *seen_up_to)
		return true;
	/* It has grown downwards since its neighbour was read. */
	if (mapping.start < *seen_up_to)
		mapping.start = *seen_up_to;
	*seen_up_to = mapping.end;
	return visit(&mapping, context);
}

bool process_mappings_walk(const char *path, process_mapping_visitor *visit, void *context)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	struct line line = {.bytes = 0};
	uint64_t seen_up_to = 0;
	bool is_wanted = true;
	long got = 0;

	if (fd < 0)
		return false;
	while (is_wanted && (got = sys_call(SYS_read, fd, piece, sizeof(piece))) > 0) {
		for (long i = 0; i < got && is_wanted; i++) {
			if (piece[i] == '\n')
				is_wanted = end_line(&line, &seen_up_to, visit, context);
			else if (line.bytes < LINE_BYTES - 1)
				line.start[line.bytes++] = piece[i];
		}
	}
	sys_call(SYS_close, fd);
	return is_wanted && got == 0;
}
