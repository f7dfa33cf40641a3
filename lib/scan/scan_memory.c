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

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

void *scan_memory_map(struct scan_memory *memory, uint64_t bytes)
{
	uint64_t whole = whole_pages(bytes);
	void *start;

	if (whole == 0 || whole < bytes || whole > memory->limit - memory->bytes)
		return NULL;
	start = region_map(whole, REGION_KEPT_ON_FORK);
	if (start == NULL)
		return NULL;
	memory->bytes += whole;
	if (memory->bytes > memory->most)
		memory->most = memory->bytes;
	return start;
}

void scan_memory_unmap(struct scan_memory *memory, void *start, uint64_t bytes)
{
	if (start == NULL)
		return;
	INVARIANT(whole_pages(bytes) <= memory->bytes, bytes, memory->bytes);
	memory->bytes -= whole_pages(bytes);
	region_unmap(start, whole_pages(bytes));
}
