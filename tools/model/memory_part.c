/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_part: the memory of a process, taken apart.
 *
 * 0 stands for "unknown" in the file, but a process without a live block has no page with one.
 */
#include "tools/model/memory_part.h"

#include "seep/snapshot_format.h"

/* What glibc's malloc rounds a block up by at most: its smallest chunk has 32 bytes, and others have
 * a header of 8 and end on a multiple of 16. A program that leaks small blocks has no fragmentation. */
#define ROUNDED_UP_BY 32u

static uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

static bool knows_live_pages(const struct seep_snapshot *totals)
{
	return totals->live_page_bytes ||
	       (!totals->live_blocks && (totals->heap_bytes || !totals->allocations));
}

/* A process that never allocated has no heap. */
static bool knows_heap(const struct seep_snapshot *totals)
{
	return totals->heap_resident_bytes || (!totals->allocations && !totals->live_blocks);
}

static uint64_t scattered(const struct seep_snapshot *totals)
{
	uint64_t rounding;
	if (__builtin_mul_overflow(totals->live_blocks, ROUNDED_UP_BY, &rounding))
		rounding = UINT64_MAX;
	return less(less(totals->live_page_bytes, totals->live_bytes), rounding);
}

bool memory_part_of(const struct seep_snapshot *totals, enum memory_part part, uint64_t *bytes)
{
	switch (part) {
	case PART_REQUESTED:
		*bytes = totals->live_bytes;
		return true;
	case PART_BETWEEN:
		*bytes = less(totals->live_page_bytes, totals->live_bytes);
		return knows_live_pages(totals);
	case PART_SCATTERED:
		*bytes = scattered(totals);
		return knows_live_pages(totals);
	case PART_KEPT:
		*bytes = less(totals->heap_resident_bytes, totals->live_page_bytes);
		return knows_heap(totals) && knows_live_pages(totals);
	case PART_OUTSIDE:
		*bytes = less(less(totals->anonymous_bytes, totals->own_bytes),
			      totals->heap_resident_bytes);
		return knows_heap(totals) && totals->anonymous_bytes;
	case PART_FILES:
		*bytes = less(totals->rss_bytes, totals->anonymous_bytes);
		return totals->rss_bytes && totals->anonymous_bytes;
	case PART_ANONYMOUS:
		*bytes = less(totals->anonymous_bytes, totals->own_bytes);
		return totals->anonymous_bytes;
	case PART_FILE_SPACE:
		*bytes = less(totals->vm_bytes, totals->data_bytes);
		return totals->vm_bytes && totals->data_bytes;
	case PART_OWN:
		*bytes = totals->own_bytes;
		return totals->own_bytes;
	case PART_RESIDENT:
		*bytes = totals->rss_bytes;
		return totals->rss_bytes;
	case PART_SWAPPED:
		*bytes = totals->swap_bytes;
		return totals->rss_bytes;
	case PART_LIVE_PAGES:
		*bytes = totals->live_page_bytes;
		return knows_live_pages(totals);
	case PART_HEAP_RESIDENT:
		*bytes = totals->heap_resident_bytes;
		return knows_heap(totals);
	case PART_HEAP:
		*bytes = totals->heap_bytes;
		return totals->heap_bytes || knows_heap(totals);
	case PART_COUNT:
		break;
	}
	*bytes = 0;
	return false;
}
