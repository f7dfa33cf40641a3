/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_layout: the mappings of the copy, and what each of them is.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 150 bytes a mapping
 *   Calls     reads of /proc/self/maps; mprotect
 *   Failure   false
 */
#include "lib/scan/memory_layout.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/module_list.h"
#include "lib/scan/page_flags.h"
#include "lib/scan/root_list.h"
#include "lib/snapshot/process_mappings.h"

#include "lib/base/poison.h"

#define MAPPINGS_MAX 262144u /* four times what a system allows by default */
#define PAGE_BYTES PAGE_FLAGS_PAGE_BYTES
#define UNREADABLE_MAX (1ull << 30) /* larger ones are reserved, not hidden */

struct reading {
	struct memory_layout *layout; /* null: only count */
	uint32_t count;
};

static uint64_t page_end(uint64_t addr)
{
	return (addr + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

/* The loaded module that the address lies in; *end is moved to where it ends, or to where the next one
 * begins. */
static uint32_t module_at(uint64_t addr, uint64_t *end)
{
	for (uint32_t id = module_list_count(); id-- > 0;) {
		const struct loaded_module *module = module_list_at(id);

		if (atomic_load(&module->unloaded_epoch) != 0)
			continue;
		if (addr < module->start) {
			if (module->start < *end)
				*end = module->start & ~(uint64_t)(PAGE_BYTES - 1);
			continue;
		}
		if (addr >= page_end(module->end))
			continue;
		if (page_end(module->end) < *end)
			*end = page_end(module->end);
		return id;
	}
	return ROOT_OF_NONE;
}

/* What the kernel puts into every process has a name in brackets, and its pages are never the process's
 * own; what libc or the program has named is called [anon:NAME]. */
static bool is_anonymous(const struct process_mapping *mapping)
{
	return mapping->is_private &&
	       (mapping->name[0] == 0 || text_begins_with(mapping->name, "[anon:") ||
		text_begins_with(mapping->name, "[heap]") ||
		text_begins_with(mapping->name, "[stack") ||
		text_begins_with(mapping->name, "/anon_hugepage"));
}

static bool add_mapping(const struct process_mapping *mapping, void *context)
{
	struct reading *reading = context;
	struct memory_layout *layout = reading->layout;
	bool follows_guard = false;

	if (reading->count > 0 && layout != NULL) {
		const struct laid_mapping *before = &layout->mappings[reading->count - 1];

		follows_guard = before->end == mapping->start && before->is_private &&
				!before->is_readable && !before->is_writable;
	}
	for (uint64_t start = mapping->start; start < mapping->end;) {
		uint64_t end = mapping->end;
		uint32_t module = module_at(start, &end);
		struct text name;
		struct laid_mapping *laid;

		if (reading->count >= MAPPINGS_MAX)
			return false;
		reading->count++;
		if (layout == NULL) {
			start = end;
			continue;
		}
		if (reading->count > layout->room)
			return false;
		laid = &layout->mappings[reading->count - 1];
		*laid = (struct laid_mapping){
			.start = start,
			.end = end,
			.module = module,
			.is_readable = mapping->is_readable,
			.is_writable = mapping->is_writable,
			.is_executable = mapping->is_executable,
			.is_private = mapping->is_private,
			.is_anonymous = is_anonymous(mapping),
			.is_break = mapping->kind == MAPPING_BRK,
			.is_main_stack = text_begins_with(mapping->name, "[stack]"),
			.follows_guard = follows_guard,
		};
		name = TEXT_IN(laid->name);
		text_add(&name, mapping->name);
		start = end;
		follows_guard = false;
	}
	return true;
}

/* Hidden from everybody by the program, but not given back: what it points to is not lost. */
static void uncover(struct laid_mapping *mapping)
{
	uint64_t start = mapping->start, end = mapping->end;

	if (mapping->is_readable || !mapping->is_private || end - start > UNREADABLE_MAX ||
	    !page_flags_run(true, &start, &end))
		return;
	mapping->is_readable = sys_call(SYS_mprotect, mapping->start, mapping->end - mapping->start,
					PROT_READ) == 0;
}

static bool is_constant(const struct laid_mapping *mapping)
{
	return mapping->module != ROOT_OF_NONE && mapping->is_private && !mapping->is_writable &&
	       !mapping->is_executable;
}

static uint32_t find_loader(void)
{
	for (uint32_t id = 0; id < module_list_count(); id++) {
		if (text_begins_with(text_file_name(module_list_at(id)->path), "ld-"))
			return id;
	}
	return ROOT_OF_NONE;
}

static void collect_spans(struct memory_layout *layout, struct memory_span *readable,
			  struct memory_span *constants)
{
	for (uint32_t i = 0; i < layout->count; i++) {
		struct laid_mapping *mapping = &layout->mappings[i];
		struct memory_span span = {mapping->start, mapping->end};

		uncover(mapping);
		if (!mapping->is_readable || text_begins_with(mapping->name, "/dev/dri") ||
		    text_begins_with(mapping->name, "/dev/nvidia"))
			continue;
		readable[layout->readable.count++] = span;
		if (is_constant(mapping))
			constants[layout->constants.count++] = span;
	}
}

bool memory_layout_read(struct memory_layout *layout, struct scan_memory *memory)
{
	struct reading reading = {.layout = NULL};
	struct memory_span *readable, *constants;

	*layout = (struct memory_layout){.loader = find_loader()};
	if (!process_mappings_walk("/proc/self/maps", add_mapping, &reading))
		return false;
	/* What is mapped from here on by ourselves comes on top. */
	layout->room = layout->span_room = reading.count + 16;
	layout->mappings = scan_memory_map(memory, layout->room * sizeof(*layout->mappings));
	readable = scan_memory_map(memory, layout->span_room * sizeof(*readable));
	constants = scan_memory_map(memory, layout->span_room * sizeof(*constants));
	layout->readable.spans = readable;
	layout->constants.spans = constants;
	reading = (struct reading){.layout = layout};
	if (layout->mappings == NULL || readable == NULL || constants == NULL ||
	    !process_mappings_walk("/proc/self/maps", add_mapping, &reading)) {
		memory_layout_release(layout, memory);
		return false;
	}
	layout->count = reading.count;
	collect_spans(layout, readable, constants);
	return true;
}

void memory_layout_release(struct memory_layout *layout, struct scan_memory *memory)
{
	scan_memory_unmap(memory, layout->mappings, layout->room * sizeof(*layout->mappings));
	scan_memory_unmap(memory, (void *)layout->readable.spans,
			  layout->span_room * sizeof(struct memory_span));
	scan_memory_unmap(memory, (void *)layout->constants.spans,
			  layout->span_room * sizeof(struct memory_span));
	*layout = (struct memory_layout){.loader = ROOT_OF_NONE};
}

const struct laid_mapping *memory_layout_find(const struct memory_layout *layout, uint64_t addr)
{
	uint32_t low = 0, high = layout->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (layout->mappings[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < layout->count && layout->mappings[low].start <= addr ? &layout->mappings[low]
									  : NULL;
}
