/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_roots: data of modules, and mappings that are neither a heap nor a stack nor ours.
 *
 * Also what is not writable any more: a program may protect what it has written. Shared memory counts
 * where it is no file's: a file is read by others, who have no use for our addresses, and may be cut
 * while we read it.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own
 *   Calls     nothing else
 *   Failure   see root_list, span_list
 */
#include "lib/scan/memory_roots.h"

#include <string.h>

#include "lib/base/region.h"
#include "lib/base/text.h"
#include "lib/record/module_list.h"

#include "lib/base/poison.h"

static bool is_shared_memory(const struct laid_mapping *mapping)
{
	static const char *const names[] = {"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(mapping->name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Reading registers of a device may do something, also where its mapping is private. */
static bool is_of_device(const struct laid_mapping *mapping)
{
	return text_begins_with(mapping->name, "/dev/") && !is_shared_memory(mapping);
}

static bool is_ours(const struct laid_mapping *mapping)
{
	return mapping->module != ROOT_OF_NONE &&
	       (module_list_at(mapping->module)->flags & SEEP_MODULE_IS_LIBSEEP) != 0;
}

static void add_own_memory(struct scan_memory *memory, struct span_list *holes)
{
	uintptr_t start;
	size_t bytes;

	for (size_t number = 0; region_at(number, &start, &bytes); number++)
		span_list_add(holes, memory, start, start + bytes);
}

void memory_roots_find(const struct memory_layout *layout, struct scan_memory *memory,
		       struct span_list *holes, struct root_list *roots)
{
	struct memory_spans spans;

	add_own_memory(memory, holes);
	spans = span_list_join(holes);
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct laid_mapping *mapping = &layout->mappings[i];
		bool is_of_module = mapping->module != ROOT_OF_NONE;
		struct root root = {
			.start = mapping->start,
			.end = mapping->end,
			.kind = is_of_module ? SEEP_ROOT_MODULE : SEEP_ROOT_MAPPING,
			.thread = ROOT_OF_NONE,
			.module = mapping->module,
			.whole_bytes = is_of_module ? 0 : mapping->end - mapping->start,
			.name = mapping->name,
		};

		if (!mapping->is_readable || is_ours(mapping) || is_of_device(mapping) ||
		    (!mapping->is_private && !is_shared_memory(mapping)))
			continue;
		root_list_add_pages(roots, memory, &root, mapping->is_private, &spans);
	}
}
