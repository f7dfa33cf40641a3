/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_memory: what a scan maps for itself, counted and with a limit.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    region
 *   Calls     mmap, munmap, madvise
 *   Failure   null
 */
#include "lib/scan/scan_memory.h"

#include "lib/base/invariant.h"
#include "lib/base/region.h"

#include "lib/base/poison.h"

#define PAGE_BYTES 4096u
#define HUGE_PAGE_BYTES (2u << 20)

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

static void *map(struct scan_memory *memory, uint64_t bytes, uint64_t counted)
{
	void *start;

	if (bytes == 0 || counted > memory->limit || memory->bytes > memory->limit - counted)
		return NULL;
	start = region_map(bytes, REGION_KEPT_ON_FORK);
	if (start == NULL)
		return NULL;
	memory->bytes += counted;
	if (memory->bytes > memory->most)
		memory->most = memory->bytes;
	return start;
}

static void unmap(struct scan_memory *memory, void *start, uint64_t bytes, uint64_t counted)
{
	if (start == NULL)
		return;
	INVARIANT(counted <= memory->bytes, counted, memory->bytes);
	memory->bytes -= counted;
	region_unmap(start, bytes);
}

void *scan_memory_map(struct scan_memory *memory, uint64_t bytes)
{
	void *start = map(memory, whole_pages(bytes), whole_pages(bytes));

	if (start != NULL && bytes >= HUGE_PAGE_BYTES)
		region_use_huge_pages(start, whole_pages(bytes));
	return start;
}

void scan_memory_unmap(struct scan_memory *memory, void *start, uint64_t bytes)
{
	unmap(memory, start, whole_pages(bytes), whole_pages(bytes));
}

void *scan_memory_map_sparse(struct scan_memory *memory, uint64_t bytes)
{
	return map(memory, whole_pages(bytes), SCAN_MEMORY_SPARSE_BYTES);
}

void scan_memory_unmap_sparse(struct scan_memory *memory, void *start, uint64_t bytes)
{
	unmap(memory, start, whole_pages(bytes), SCAN_MEMORY_SPARSE_BYTES);
}
