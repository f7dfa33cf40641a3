/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap_parts: which memory is an allocator's. Of that only live blocks count, and they are no roots.
 *
 * Stale pointers lie about in free memory, so it must not be read as a root; and memory that the program
 * has mapped itself must be read, or what it points to seems lost. The kernel joins neighbouring
 * mappings, so both may be parts of one. Allocators hold:
 *
 *   the program break's   as soon as any block lies in it, but for what the program has taken there by
 *                         itself (own_breaks) and has no block in
 *   a block's own pages   glibc notes in the word before a block that it has its own mapping
 *                         (IS_MMAPPED in malloc/malloc.c); of other allocators: large blocks that begin
 *                         on a page
 *   an arena of glibc's   recognised by its heads, see malloc_state
 *   a pool                of other allocators, as heap_memory has it: of an anonymous mapping each part
 *                         between multiples of 64 MiB in which a block lies that has no mapping of
 *                         its own, or in which there were blocks when the snapshot was taken
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: a byte for 64 MiB of anonymous mappings, four for each mapping, a bit for each
 *             stack
 *   Calls     nothing else
 *   Failure   false
 */
#include "lib/scan/heap_parts.h"

#include <stddef.h>

#include "lib/record/call_tree.h"
#include "lib/record/live_table.h"
#include "lib/record/module_list.h"
#include "lib/record/own_breaks.h"
#include "lib/scan/malloc_state.h"
#include "lib/scan/page_flags.h"
#include "lib/snapshot/heap_memory.h"

#include "lib/base/poison.h"

#define PART_BITS 26
#define PAGE_BYTES PAGE_FLAGS_PAGE_BYTES
#define OWN_MAPPING_BYTES (32u << 10) /* see page_fill */
#define OWN_MAPPING_OFFSET 64u
#define GLIBC_HEADER_BYTES 16u
#define GLIBC_IS_MMAPPED 2u
#define RED_ZONE_BYTES 128u /* x86-64 psABI, 3.2.2 */

struct finding {
	const struct memory_layout *layout;
	const struct stopped_threads *threads;
	struct scan_memory *memory;
	struct span_list *holes;
	struct root_list *roots;
	const struct laid_mapping *last; /* in which the block before lay */
	uint32_t *first_part;		 /* by mapping */
	uint8_t *is_pool;		 /* by part */
	uint64_t parts;
	uint64_t *loader_stacks; /* a bit for each */
	uint32_t stack_count;
	uint32_t own_breaks;
	bool is_used_break[OWN_BREAKS_MAX]; /* blocks lie in it */
};

static bool may_be_heap(const struct laid_mapping *mapping)
{
	return mapping->is_anonymous && mapping->is_readable && !mapping->is_main_stack;
}

static uint64_t parts_of(const struct laid_mapping *mapping)
{
	return ((mapping->end - 1) >> PART_BITS) - (mapping->start >> PART_BITS) + 1;
}

static uint8_t *part_at(const struct finding *finding, const struct laid_mapping *mapping,
			uint64_t addr)
{
	return &finding->is_pool[finding->first_part[mapping - finding->layout->mappings] +
				 (addr >> PART_BITS) - (mapping->start >> PART_BITS)];
}

static bool has_own_pages(const struct laid_mapping *mapping, uint64_t addr,
			  const struct live_block *block)
{
	if (mapping->is_break)
		return false;
	if (!live_table_has_neighbours) {
		if (block->bytes < LIVE_WORD_BYTES_LIMIT && addr % PAGE_BYTES != GLIBC_HEADER_BYTES)
			return false;
		return addr % 8 == 0 && addr >= mapping->start + GLIBC_HEADER_BYTES &&
		       (*(const uint64_t *)(addr - 8) & GLIBC_IS_MMAPPED) != 0;
	}
	return block->bytes >= OWN_MAPPING_BYTES && addr % PAGE_BYTES <= OWN_MAPPING_OFFSET;
}

/* A stack that the program has allocated; what lies below its pointer is read where it is reached. */
static void add_stacks_in(struct finding *finding, uint64_t addr, uint64_t bytes)
{
	for (uint32_t i = 0; i < finding->threads->count; i++) {
		uint64_t sp = finding->threads->threads[i].sp;
		struct root stack = {.start = sp - RED_ZONE_BYTES,
				     .end = addr + bytes,
				     .kind = SEEP_ROOT_STACK,
				     .thread = i,
				     .module = ROOT_OF_NONE};

		if (sp < addr || sp >= addr + bytes)
			continue;
		if (stack.start < addr)
			stack.start = addr;
		root_list_add(finding->roots, finding->memory, &stack);
	}
}

/* An allocator that takes its memory there through our doors, as tcmalloc does. */
static void note_own_break(struct finding *finding, uint64_t addr)
{
	for (uint32_t i = 0; i < finding->own_breaks; i++) {
		uint64_t start, end;

		own_breaks_at(i, &start, &end);
		if (addr >= start && addr < end)
			finding->is_used_break[i] = true;
	}
}

static void visit_block(uint64_t addr, const struct live_block *block, void *context)
{
	struct finding *finding = context;
	const struct laid_mapping *mapping = finding->last;
	uint64_t bytes = block->bytes;

	if (block->stack < finding->stack_count &&
	    (finding->loader_stacks[block->stack / 64] >> block->stack % 64 & 1) != 0)
		root_list_add(finding->roots, finding->memory,
			      &(struct root){.start = addr,
					     .end = addr,
					     .kind = SEEP_ROOT_LOADER,
					     .thread = ROOT_OF_NONE,
					     .module = ROOT_OF_NONE});
	if (mapping == NULL || addr < mapping->start || addr >= mapping->end) {
		mapping = memory_layout_find(finding->layout, addr);
		if (mapping == NULL)
			return;
		finding->last = mapping;
	}
	if (!may_be_heap(mapping))
		return;
	if (bytes >= LIVE_WORD_BYTES_LIMIT)
		add_stacks_in(finding, addr, bytes);
	if (mapping->is_break)
		note_own_break(finding, addr);
	if (!has_own_pages(mapping, addr, block)) {
		*part_at(finding, mapping, addr) = 1;
		return;
	}
	span_list_add(finding->holes, finding->memory, addr & ~(uint64_t)(PAGE_BYTES - 1),
		      (addr + bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1));
}

/* The dynamic linker's own blocks are never freed by others, and it keeps some only in ways that no scan
 * sees; LeakSanitizer counts them as reachable, too. */
static void find_loader_stacks(struct finding *finding)
{
	const struct loaded_module *loader;

	if (finding->layout->loader == ROOT_OF_NONE)
		return;
	loader = module_list_at(finding->layout->loader);
	for (uint32_t stack = CALL_TREE_FIRST; stack < finding->stack_count; stack++) {
		uint64_t pc = call_tree_node(stack).pc;

		if (pc > loader->start && pc <= loader->end)
			finding->loader_stacks[stack / 64] |= 1ull << stack % 64;
	}
}

static bool map_tables(struct finding *finding, uint64_t *table_bytes)
{
	const struct memory_layout *layout = finding->layout;
	uint64_t first_bytes = (uint64_t)layout->count * sizeof(*finding->first_part);
	uint64_t stack_bytes = (uint64_t)(finding->stack_count / 64 + 1) * sizeof(uint64_t);
	uint8_t *table;

	for (uint32_t i = 0; i < layout->count; i++)
		finding->parts +=
			may_be_heap(&layout->mappings[i]) ? parts_of(&layout->mappings[i]) : 0;
	*table_bytes = stack_bytes + first_bytes + finding->parts;
	table = scan_memory_map(finding->memory, *table_bytes);
	if (table == NULL || finding->parts > UINT32_MAX)
		return false;
	finding->loader_stacks = (uint64_t *)table;
	finding->first_part = (uint32_t *)(table + stack_bytes);
	finding->is_pool = table + stack_bytes + first_bytes;
	for (uint32_t i = 0, parts = 0; i < layout->count; i++) {
		finding->first_part[i] = parts;
		if (may_be_heap(&layout->mappings[i]))
			parts += (uint32_t)parts_of(&layout->mappings[i]);
	}
	return true;
}

static void add_pools(struct finding *finding, const struct laid_mapping *mapping)
{
	for (uint64_t start = mapping->start; start < mapping->end;) {
		uint64_t end = ((start >> PART_BITS) + 1) << PART_BITS;

		end = end < mapping->end ? end : mapping->end;
		if (*part_at(finding, mapping, start) != 0 || heap_memory_was_pool(start))
			span_list_add(finding->holes, finding->memory, start, end);
		start = end;
	}
}

/* They lie in rising order. */
static void add_break(struct finding *finding, const struct laid_mapping *mapping)
{
	uint64_t from = mapping->start;
	bool any = false;

	for (uint64_t part = 0; part < parts_of(mapping); part++)
		any |= part_at(finding, mapping, mapping->start)[part] != 0;
	if (!any || own_breaks_count() > OWN_BREAKS_MAX)
		return;
	for (uint32_t i = 0; i < finding->own_breaks; i++) {
		uint64_t start, end;

		own_breaks_at(i, &start, &end);
		if (finding->is_used_break[i] || start >= end || start < from || end > mapping->end)
			continue;
		span_list_add(finding->holes, finding->memory, from, start);
		from = end;
	}
	span_list_add(finding->holes, finding->memory, from, mapping->end);
}

bool heap_parts_find(const struct memory_layout *layout, const struct stopped_threads *threads,
		     struct scan_memory *memory, struct span_list *holes, struct root_list *roots)
{
	struct finding finding = {.layout = layout,
				  .threads = threads,
				  .memory = memory,
				  .holes = holes,
				  .roots = roots,
				  .stack_count = call_tree_count(),
				  .own_breaks = own_breaks_count()};
	uint64_t table_bytes = 0;
	bool has_tables = map_tables(&finding, &table_bytes);

	if (finding.own_breaks > OWN_BREAKS_MAX)
		finding.own_breaks = OWN_BREAKS_MAX;
	if (has_tables) {
		find_loader_stacks(&finding);
		live_table_walk(visit_block, &finding);
		for (uint32_t i = 0; i < layout->count; i++) {
			const struct laid_mapping *mapping = &layout->mappings[i];

			if (mapping->is_break)
				add_break(&finding, mapping);
			else if (may_be_heap(mapping) && live_table_has_neighbours)
				add_pools(&finding, mapping);
			else if (may_be_heap(mapping))
				malloc_state_find_arenas(layout, mapping, memory, holes);
		}
	}
	scan_memory_unmap(memory, finding.loader_stacks, table_bytes);
	return has_tables && !holes->is_failed && !roots->is_failed;
}
