/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc_state: where glibc's malloc keeps what it knows of free memory, and the arenas of its threads.
 *
 * glibc's main_arena names chunks of free memory by addresses that lie 16 bytes before them: in the last
 * word of the block before. So it would seem to hold blocks by pointers into them. It has no symbol, but
 * a form that nothing else has: of its 127 bins most are empty, and an empty one consists of two
 * pointers to where it would begin as a chunk, 16 bytes before itself. Where the bins begin is known by
 * what follows them: a ring of all arenas (malloc_state.next in malloc/malloc.c).
 *
 * The arenas of threads lie in heaps, mappings that begin at multiples of 64 MiB with struct heap_info of
 * malloc/arena.c: which arena it belongs to, the heap before, and how far it goes. The arena lies behind
 * that in its first heap, and has bins as above.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own
 *   Calls     nothing else
 *   Failure   nothing is found: some lost blocks are possibly lost
 */
#include "lib/scan/malloc_state.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/record/module_list.h"
#include "lib/scan/page_flags.h"
#include "lib/scan/root_list.h"

#include "lib/base/poison.h"

#define BINS_BYTES (254u * 8)
#define EMPTY_LEAST 12u /* of 127 bins: in a heap of many sizes most are in use */
#define NEXT_OFFSET                                                                                \
	(BINS_BYTES + 16) /* from the bins: behind the map of those that are not empty */
#define BEHIND_BYTES (NEXT_OFFSET + 5 * 8)
/* From the beginning of malloc_state to its bins: since glibc 2.27, and before. */
static const uint64_t bins_offsets[] = {112, 104};
#define BINS_OFFSET_MAX 112u
#define HEAP_BYTES                                                                                 \
	(1ull << 26) /* HEAP_MAX_SIZE of arena.c: arenas of threads begin in such a one */
#define HEAP_HEAD_MAX 4096u

static uint64_t word_at(uint64_t addr)
{
	return *(const uint64_t *)addr;
}

static bool is_empty_bin(uint64_t addr)
{
	return word_at(addr) == addr - 16 && word_at(addr + 8) == addr - 16;
}

static bool has_empty_bins(uint64_t first, uint64_t end)
{
	uint32_t count = 0;

	for (uint64_t addr = first; addr + 16 <= end && addr < first + BINS_BYTES; addr += 16)
		count += is_empty_bin(addr);
	return count >= EMPTY_LEAST;
}

struct heap_info {
	uint64_t arena, before, bytes, writable_bytes;
};

static const struct heap_info *heap_at(const struct memory_layout *layout, uint64_t start)
{
	const struct laid_mapping *mapping = memory_layout_find(layout, start);
	const struct heap_info *heap = (const struct heap_info *)start;

	if (mapping == NULL || !mapping->is_readable || !mapping->is_anonymous ||
	    start % HEAP_BYTES != 0 || mapping->end - start < HEAP_HEAD_MAX)
		return NULL;
	return heap->bytes >= HEAP_HEAD_MAX && heap->bytes <= heap->writable_bytes &&
			       heap->writable_bytes <= HEAP_BYTES &&
			       heap->writable_bytes % HEAP_HEAD_MAX == 0 && heap->arena % 8 == 0
		       ? heap
		       : NULL;
}

/* Whether an arena of a thread begins there, in its first heap. */
static bool is_thread_arena(const struct memory_layout *layout, uint64_t arena)
{
	uint64_t start = arena & ~(HEAP_BYTES - 1);
	const struct heap_info *heap = heap_at(layout, start);

	return heap != NULL && heap->arena == arena && arena > start &&
	       arena - start < HEAP_HEAD_MAX - BINS_OFFSET_MAX - BEHIND_BYTES &&
	       (has_empty_bins(arena + bins_offsets[0], start + HEAP_HEAD_MAX) ||
		has_empty_bins(arena + bins_offsets[1], start + HEAP_HEAD_MAX));
}

void malloc_state_find_arenas(const struct memory_layout *layout,
			      const struct laid_mapping *mapping, struct scan_memory *memory,
			      struct span_list *holes)
{
	for (uint64_t start = (mapping->start + HEAP_BYTES - 1) & ~(HEAP_BYTES - 1);
	     start < mapping->end; start += HEAP_BYTES) {
		uint64_t first = start, last = start + HEAP_HEAD_MAX;
		const struct heap_info *heap;

		/* Otherwise looking would make a page of a mapping that has none there. */
		if (!page_flags_run(true, &first, &last) || first != start)
			continue;
		heap = heap_at(layout, start);
		if (heap != NULL && is_thread_arena(layout, heap->arena))
			span_list_add(holes, memory, start, start + heap->writable_bytes);
	}
}

static bool begin_here(const struct memory_layout *layout, uint64_t bins)
{
	uint64_t next = word_at(bins + NEXT_OFFSET);

	for (uint32_t i = 0; i < sizeof(bins_offsets) / sizeof(bins_offsets[0]); i++)
		if (next == bins - bins_offsets[i])
			return true;
	return is_thread_arena(layout, next);
}

/* The first bins may be full, so the first empty one need not be the first. */
static uint64_t beginning_of_bins(const struct memory_layout *layout, uint64_t empty,
				  uint64_t start, uint64_t end)
{
	for (uint64_t bins = empty; bins >= start + BINS_OFFSET_MAX && bins + BINS_BYTES > empty;
	     bins -= 16)
		if (bins + BEHIND_BYTES <= end && begin_here(layout, bins))
			return bins;
	return empty;
}

static bool find_in(const struct memory_layout *layout, uint64_t start, uint64_t end,
		    struct scan_memory *memory, struct span_list *holes)
{
	for (uint64_t addr = start + BINS_OFFSET_MAX; addr + BINS_BYTES <= end; addr += 8) {
		uint64_t bins;

		if (!is_empty_bin(addr) || !has_empty_bins(addr, end))
			continue;
		bins = beginning_of_bins(layout, addr, start, end);
		span_list_add(holes, memory, bins - BINS_OFFSET_MAX, bins + BEHIND_BYTES);
		return true;
	}
	return false;
}

static bool is_libc(const struct laid_mapping *mapping)
{
	const char *name;

	if (mapping->module == ROOT_OF_NONE || !mapping->is_readable || !mapping->is_writable)
		return false;
	name = text_file_name(module_list_at(mapping->module)->path);
	return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-", 5) == 0;
}

void malloc_state_find(const struct memory_layout *layout, struct scan_memory *memory,
		       struct span_list *holes)
{
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct laid_mapping *mapping = &layout->mappings[i];
		uint64_t start = mapping->start, end = mapping->end;

		if (is_libc(mapping) && page_flags_run(mapping->is_private, &start, &end) &&
		    find_in(layout, start, end, memory, holes))
			return;
	}
}
