/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_list: all memory that the program can get at without going through a block.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 56 bytes a root, and while it grows those of half as many
 *   Calls     see page_flags
 *   Failure   is_failed
 */
#include "lib/scan/root_list.h"

#include <string.h>

#include "lib/base/invariant.h"
#include "lib/scan/memory_spans.h"
#include "lib/scan/page_flags.h"

#include "lib/base/poison.h"

#define FIRST_ROOM 1024u

static bool grow(struct root_list *list, struct scan_memory *memory)
{
	uint32_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
	struct root *roots =
		room < list->room ? NULL : scan_memory_map(memory, room * sizeof(*roots));

	if (roots == NULL)
		return false;
	if (list->count > 0)
		memcpy(roots, list->roots, list->count * sizeof(*roots));
	scan_memory_unmap(memory, list->roots, list->room * sizeof(*roots));
	list->roots = roots;
	list->room = room;
	return true;
}

void root_list_add(struct root_list *list, struct scan_memory *memory, const struct root *root)
{
	struct root *added;

	INVARIANT(root->start <= root->end, root->start, root->end);
	if (list->is_failed || (list->count == list->room && !grow(list, memory))) {
		list->is_failed = true;
		return;
	}
	added = &list->roots[list->count++];
	*added = *root;
	/* Only whole words count. */
	if (root->start != root->end) {
		added->start = (root->start + 7) & ~7ull;
		added->offset += added->start - root->start;
		added->end = root->end & ~7ull;
	}
	list->bytes += added->end - added->start;
}

static void add_part(struct root_list *list, struct scan_memory *memory, const struct root *root,
		     uint64_t start, uint64_t end)
{
	struct root part = *root;

	if (start >= end)
		return;
	part.start = start;
	part.end = end;
	part.offset += start - root->start;
	root_list_add(list, memory, &part);
}

/* The first hole that ends behind the address; their number where there is none. */
static uint32_t hole_behind(const struct memory_spans *holes, uint64_t addr)
{
	uint32_t low = 0, high = holes->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (holes->spans[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void root_list_add_pages(struct root_list *list, struct scan_memory *memory,
			 const struct root *root, bool is_private, const struct memory_spans *holes)
{
	uint32_t hole = hole_behind(holes, root->start);
	uint64_t addr = root->start;

	while (addr < root->end) {
		uint64_t part_end = root->end, next = root->end;

		if (hole < holes->count && holes->spans[hole].start < root->end) {
			part_end = holes->spans[hole].start;
			next = holes->spans[hole].end;
			hole++;
		}
		while (addr < part_end) {
			uint64_t start = addr, end = part_end;

			if (!page_flags_run(is_private, &start, &end))
				break;
			end = end < part_end ? end : part_end;
			add_part(list, memory, root, start, end);
			addr = end;
		}
		addr = next > addr ? next : addr;
	}
}

void root_list_release(struct root_list *list, struct scan_memory *memory)
{
	scan_memory_unmap(memory, list->roots, list->room * sizeof(*list->roots));
	*list = (struct root_list){0};
}
