/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap_memory: what the program's allocators hold, and how much of that is resident.
 *
 * mallinfo2 and malloc_info would take the arenas' locks and walk all that is free, and know glibc's
 * malloc only. The live table knows where the blocks of any allocator lie. What counts:
 *
 *   the program break's  "[heap]", all of it
 *   a pool               a private anonymous mapping in which blocks lie side by side, or lay at the
 *                        snapshot before and it still begins where it did. Of a large one those parts
 *                        between multiples of 64 MiB of which that is true: the kernel merges what
 *                        lies side by side, and glibc's arenas begin at such multiples.
 *   a block's own pages  of a block that got a mapping of its own, in a mapping that is no pool.
 *
 * Resident is what mincore says: it takes 2 ns a page, a tenth of what /proc/PID/pagemap takes, needs no
 * rights, and holds the lock that mmap waits for during 16 MiB only, while smaps would hold it for a whole
 * mapping.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static, 68 KiB
 *   Calls     reads of /proc/self/maps; mincore
 *   Failure   zeros
 */
#include "lib/snapshot/heap_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/process_mappings.h"

#include "lib/base/poison.h"

#define PAGE_BYTES PAGE_FILL_BYTES
#define UNIT_BYTES (1ull << PAGE_FILL_UNIT_BITS)
#define CHUNK_BYTES (1ull << PAGE_FILL_CHUNK_BITS)
#define MAPPINGS_MAX 131072u	   /* twice what a system allows by default */
#define RESIDENT_MAX (64ull << 30) /* of a larger heap nobody looks at every page */
#define POOLS_MAX 4096u		   /* that are remembered */
#define PAGES_AT_ONCE 4096u	   /* as the kernel does it, too */

/* Where pools began, in rising order. Of two lists one is read and one is written. */
static struct pools {
	uint32_t count;
	uint64_t starts[POOLS_MAX];
} pools[2];
static uint32_t known_pools; /* which one is read */

struct reading {
	const struct page_fill *fill;
	const struct pools *before;
	struct pools *after;
	uint32_t before_next;
	uint32_t mappings;
	uint64_t until_ns;

	uint64_t known_start, known_end; /* addresses that `is_in_core` is about */
	bool knows_resident;

	uint64_t bytes, resident_bytes, live_bytes, live_resident_bytes;
};

static unsigned char is_in_core[PAGES_AT_ONCE]; /* bit 0 */

static uint64_t least(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

static bool is_time_over(const struct reading *reading)
{
	return reading->until_ns != 0 && sys_clock_ns(CLOCK_MONOTONIC) > reading->until_ns;
}

/* ---- what is resident -------------------------------------------------------------------------- */

/* `end` is how far it is worth reading ahead. What is not mapped any more is not resident. */
static bool look(struct reading *reading, uint64_t addr, uint64_t end)
{
	uint64_t bytes = least(end - addr, PAGES_AT_ONCE * PAGE_BYTES);
	long result;

	if (is_time_over(reading))
		return false;
	memset(is_in_core, 0, bytes / PAGE_BYTES);
	result = sys_call(SYS_mincore, addr, bytes, is_in_core);
	reading->known_start = addr;
	reading->known_end = addr + bytes;
	return result == 0 || result == -ENOMEM;
}

static bool is_resident(struct reading *reading, uint64_t addr, uint64_t end)
{
	if (!reading->knows_resident)
		return false;
	if (addr < reading->known_start || addr >= reading->known_end) {
		reading->knows_resident = look(reading, addr, end);
		if (!reading->knows_resident)
			return false;
	}
	return (is_in_core[(addr - reading->known_start) / PAGE_BYTES] & 1) != 0;
}

/* ---- what counts ------------------------------------------------------------------------------- */

/* Where the MiB that `addr` lies in ends, or the part that is looked at. */
static uint64_t chunk_end_of(uint64_t addr, uint64_t end)
{
	return least(end, (addr & ~(CHUNK_BYTES - 1)) + CHUNK_BYTES);
}

static void count_page(struct reading *reading, uint64_t addr, uint64_t end, bool is_live)
{
	bool is_there = is_resident(reading, addr, end);

	reading->bytes += PAGE_BYTES;
	reading->resident_bytes += is_there ? PAGE_BYTES : 0;
	reading->live_bytes += is_live ? PAGE_BYTES : 0;
	reading->live_resident_bytes += is_there && is_live ? PAGE_BYTES : 0;
}

/* Of a part of one unit: all pages of a pool, those with live blocks of another mapping. */
static void count_pages(struct reading *reading, uint64_t start, uint64_t end, bool is_pool)
{
	for (uint64_t addr = start; addr < end;) {
		const struct page_filled *pages = page_fill_chunk(reading->fill, addr);
		uint64_t chunk_end = chunk_end_of(addr, end);

		if (pages == NULL && !is_pool) {
			addr = chunk_end;
			continue;
		}
		for (; addr < chunk_end; addr += PAGE_BYTES) {
			bool is_live = pages != NULL && pages[page_fill_index(addr)].blocks > 0;

			if (is_pool || is_live)
				count_page(reading, addr, end, is_live);
		}
	}
	if (reading->bytes > RESIDENT_MAX)
		reading->knows_resident = false;
}

static bool has_pooled_page(const struct reading *reading, uint64_t start, uint64_t end)
{
	const struct page_unit *unit = page_fill_unit(reading->fill, start);

	if (unit == NULL || !unit->is_pooled)
		return false;
	for (uint64_t addr = start; addr < end;) {
		const struct page_filled *pages = page_fill_chunk(reading->fill, addr);
		uint64_t chunk_end = chunk_end_of(addr, end);

		for (; pages != NULL && addr < chunk_end; addr += PAGE_BYTES)
			if (pages[page_fill_index(addr)].is_pooled)
				return true;
		addr = chunk_end;
	}
	return false;
}

/* Asked for in rising order. */
static bool was_pool(struct reading *reading, uint64_t start)
{
	const struct pools *before = reading->before;

	while (reading->before_next < before->count && before->starts[reading->before_next] < start)
		reading->before_next++;
	return reading->before_next < before->count &&
	       before->starts[reading->before_next] == start;
}

static void remember(struct reading *reading, uint64_t start)
{
	if (reading->after->count < POOLS_MAX)
		reading->after->starts[reading->after->count++] = start;
}

/* What lies in one unit of an anonymous mapping. */
static void count_part(struct reading *reading, const struct process_mapping *mapping,
		       uint64_t start, uint64_t end)
{
	/* Where a pool lay there may be a mapping of ours now. */
	bool is_pool =
		has_pooled_page(reading, start, end) ||
		(was_pool(reading, start) && region_bytes_at((const void *)mapping->start) == 0);

	if (is_pool)
		remember(reading, start);
	if (is_pool || page_fill_unit(reading->fill, start) != NULL)
		count_pages(reading, start, end, is_pool);
}

static bool count_mapping(const struct process_mapping *mapping, void *context)
{
	struct reading *reading = context;

	if (++reading->mappings > MAPPINGS_MAX || is_time_over(reading))
		return false;
	if (mapping->kind == MAPPING_BRK)
		count_pages(reading, mapping->start, mapping->end, true);
	if (mapping->kind != MAPPING_ANONYMOUS)
		return true;
	for (uint64_t start = mapping->start; start < mapping->end;) {
		uint64_t end = least(mapping->end, (start & ~(UNIT_BYTES - 1)) + UNIT_BYTES);

		count_part(reading, mapping, start, end);
		start = end;
	}
	return true;
}

struct heap_memory heap_memory_of(const struct page_fill *fill, const char *maps, uint64_t until_ns)
{
	struct reading reading = {
		.fill = fill,
		.before = &pools[known_pools],
		.after = &pools[1 - known_pools],
		.until_ns = until_ns,
		.knows_resident = true,
	};

	if (fill->is_failed)
		return (struct heap_memory){0};
	reading.after->count = 0;
	if (!process_mappings_walk(maps, count_mapping, &reading))
		return (struct heap_memory){0};
	known_pools = 1 - known_pools;
	INVARIANT(reading.live_resident_bytes <= reading.resident_bytes &&
			  reading.resident_bytes <= reading.bytes,
		  reading.live_resident_bytes, reading.resident_bytes);
	return (struct heap_memory){
		.bytes = reading.bytes,
		.resident_bytes = reading.knows_resident ? reading.resident_bytes : 0,
		.live_page_bytes = fill->is_sampled	    ? 0
				   : reading.knows_resident ? reading.live_resident_bytes
							    : reading.live_bytes,
	};
}

struct heap_memory heap_memory_read(const struct page_fill *fill, uint64_t until_ns)
{
	return heap_memory_of(fill, "/proc/self/maps", until_ns);
}

bool heap_memory_was_pool(uint64_t start)
{
	const struct pools *known = &pools[known_pools];
	uint32_t low = 0, high = known->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (known->starts[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < known->count && known->starts[low] == start;
}
