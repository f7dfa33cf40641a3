/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden_mappings: memory that the program has told the kernel not to copy (MADV_DONTFORK).
 *
 *   Runs in   the helper process; hidden_mappings_say in the copy
 *   Locks     none
 *   Memory    region, 1.5 MiB during a scan, of which only what is used is touched
 *   Calls     reads of /proc/self/maps; madvise
 *   Failure   they stay hidden, and nothing is called definitely lost
 */
#include "lib/scan/hidden_mappings.h"

#include <stddef.h>
#include <sys/mman.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/process_mappings.h"

#include "lib/base/poison.h"

#define KNOWN_MAX 65536u

static size_t bytes_of_all(void)
{
	return (KNOWN_MAX + HIDDEN_MAPPINGS_MAX) * sizeof(struct memory_span);
}

static bool note_known(const struct process_mapping *mapping, void *context)
{
	struct hidden_mappings *mappings = context;

	/* Private huge pages and the like count as well as what has no name. */
	if (mapping->kind == MAPPING_OTHER || !mapping->is_private ||
	    mappings->known_count == KNOWN_MAX)
		return true;
	mappings->known[mappings->known_count++] =
		(struct memory_span){mapping->start, mapping->end};
	return true;
}

bool hidden_mappings_list(struct hidden_mappings *mappings)
{
	*mappings =
		(struct hidden_mappings){.known = region_map(bytes_of_all(), REGION_KEPT_ON_FORK)};
	if (mappings->known == NULL)
		return false;
	mappings->hidden = mappings->known + KNOWN_MAX;
	return process_mappings_walk("/proc/self/maps", note_known, mappings);
}

void hidden_mappings_release(struct hidden_mappings *mappings)
{
	if (mappings->known != NULL)
		region_unmap(mappings->known, bytes_of_all());
	*mappings = (struct hidden_mappings){0};
}

static void advise_all(const struct hidden_mappings *mappings, int advice)
{
	for (uint32_t i = 0; i < mappings->hidden_count; i++) {
		const struct memory_span *span = &mappings->hidden[i];

		sys_call(SYS_madvise, span->start, span->end - span->start, advice);
	}
}

void hidden_mappings_show(const struct hidden_mappings *mappings)
{
	advise_all(mappings, MADV_DOFORK);
}

void hidden_mappings_hide(const struct hidden_mappings *mappings)
{
	advise_all(mappings, MADV_DONTFORK);
}

uint32_t hidden_mappings_say(const struct hidden_mappings *mappings,
			     const struct memory_layout *layout, int fd)
{
	struct memory_span lacked[64];
	uint32_t next = 0, count = 0, all = 0;

	for (uint32_t i = 0; i < mappings->known_count; i++) {
		struct memory_span left = mappings->known[i];

		while (left.start < left.end) {
			uint64_t end = left.end;

			while (next < layout->count && layout->mappings[next].end <= left.start)
				next++;
			if (next < layout->count && layout->mappings[next].start <= left.start) {
				left.start = layout->mappings[next].end;
				continue;
			}
			if (next < layout->count && layout->mappings[next].start < end)
				end = layout->mappings[next].start;
			lacked[count++] = (struct memory_span){left.start, end};
			left.start = end;
			all++;
			if (count == sizeof(lacked) / sizeof(lacked[0])) {
				sys_write_all(fd, lacked, sizeof(lacked));
				count = 0;
			}
		}
	}
	/* One of no bytes ends the list. */
	lacked[count++] = (struct memory_span){0, 0};
	sys_write_all(fd, lacked, count * sizeof(lacked[0]));
	return all;
}

bool hidden_mappings_hear(struct hidden_mappings *mappings, struct process_copy *copy,
			  uint32_t *lacked)
{
	struct memory_span span;

	for (*lacked = 0;; ++*lacked) {
		if (!process_copy_read(copy, &span, sizeof(span)))
			return false;
		if (span.start >= span.end)
			return true;
		if (mappings->hidden_count < HIDDEN_MAPPINGS_MAX)
			mappings->hidden[mappings->hidden_count++] = span;
	}
}
