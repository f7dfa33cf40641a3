/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declared_roots: what the program itself says about its memory.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own
 *   Calls     live_table_walk, where the program has ever said that a block is no leak
 *   Failure   see root_list
 */
#include "lib/scan/declared_roots.h"

#include <stddef.h>

#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "lib/record/root_regions.h"

#include "lib/base/poison.h"

/* The part of a region that lies in one mapping. */
static void add_part(const struct laid_mapping *mapping, uint64_t start, uint64_t end,
		     struct scan_memory *memory, struct root_list *roots)
{
	const struct memory_spans no_holes = {NULL, 0};
	struct root root = {
		.start = start > mapping->start ? start : mapping->start,
		.end = end < mapping->end ? end : mapping->end,
		.kind = SEEP_ROOT_REGION,
		.thread = ROOT_OF_NONE,
		.module = ROOT_OF_NONE,
		.name = "",
	};

	if (!mapping->is_readable || root.start >= root.end)
		return;
	root.offset = root.start - start;
	root_list_add_pages(roots, memory, &root, mapping->is_private, &no_holes);
}

static void add_region(const struct memory_layout *layout, uint64_t start, uint64_t bytes,
		       struct scan_memory *memory, struct root_list *roots)
{
	/* Whole words, as they lie in memory. */
	uint64_t first = (start + 7) & ~7ull, end = (start + bytes) & ~7ull;

	for (uint32_t i = 0; i < layout->count && first < end; i++)
		add_part(&layout->mappings[i], first, end, memory, roots);
}

struct adding {
	struct scan_memory *memory;
	struct root_list *roots;
};

static void add_if_ignored(uint64_t addr, const struct live_block *block, void *context)
{
	struct adding *adding = context;
	struct root root = {
		.start = addr,
		.end = addr,
		.kind = SEEP_ROOT_IGNORED,
		.thread = ROOT_OF_NONE,
		.module = ROOT_OF_NONE,
		.name = "",
	};

	if ((block->kind & BLOCK_KIND_MASK) == BLOCK_IGNORED)
		root_list_add(adding->roots, adding->memory, &root);
}

void declared_roots_find(const struct memory_layout *layout, struct scan_memory *memory,
			 struct root_list *roots)
{
	struct adding adding = {.memory = memory, .roots = roots};
	uint64_t start, bytes;

	for (uint32_t i = 0; root_regions_at(i, &start, &bytes); i++)
		add_region(layout, start, bytes, memory, roots);
	if (recorder_has_ignored)
		live_table_walk(add_if_ignored, &adding);
}
