/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_regions: memory that the program has declared to hold pointers that count.
 *
 * Few and seldom changed. Slots are claimed by their length and filled with their start; a slot of no
 * bytes is free, one without a start is on its way. Pages of slots are only ever added.
 *
 *   Runs in   the target, in any thread; the copy of the process that a scan works in
 *   Locks     none; slots are claimed with compare-and-swap
 *   Memory    region: a page for each 255; kept on fork
 *   Calls     mmap
 *   Failure   false: the region does not count
 */
#include "lib/record/root_regions.h"

#include <stdatomic.h>
#include <stddef.h>

#include "lib/base/region.h"

#include "lib/base/poison.h"

#define PAGE_BYTES 4096u
#define SLOTS 255u

struct slot {
	_Atomic(uint64_t) start, bytes;
};

struct page {
	_Atomic(struct page *) next;
	struct slot slots[SLOTS];
};

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "a page of slots is a page");

static _Atomic(struct page *) first_page;

static bool claim(struct page *page, uint64_t start, uint64_t bytes)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint64_t none = 0;

		if (atomic_load(&page->slots[i].bytes) == 0 &&
		    atomic_compare_exchange_strong(&page->slots[i].bytes, &none, bytes)) {
			atomic_store(&page->slots[i].start, start);
			return true;
		}
	}
	return false;
}

/* The page behind a link, made if need be; null when there is no memory. */
static struct page *page_at(_Atomic(struct page *) *link)
{
	struct page *none = NULL, *page = atomic_load(link);

	if (page != NULL)
		return page;
	page = region_map(PAGE_BYTES, REGION_KEPT_ON_FORK);
	if (page == NULL || atomic_compare_exchange_strong(link, &none, page))
		return page;
	region_unmap(page, PAGE_BYTES);
	return none;
}

bool root_regions_add(uint64_t start, uint64_t bytes)
{
	struct page *page;

	if (start == 0 || bytes == 0 || start + bytes < start)
		return false;
	for (page = page_at(&first_page); page != NULL; page = page_at(&page->next))
		if (claim(page, start, bytes))
			return true;
	return false;
}

bool root_regions_remove(uint64_t start, uint64_t bytes)
{
	struct page *page = atomic_load(&first_page);

	for (; page != NULL; page = atomic_load(&page->next)) {
		for (uint32_t i = 0; i < SLOTS; i++) {
			struct slot *slot = &page->slots[i];
			uint64_t expected = start;

			if (start == 0 || atomic_load(&slot->bytes) != bytes ||
			    !atomic_compare_exchange_strong(&slot->start, &expected, 0))
				continue;
			atomic_store(&slot->bytes, 0);
			return true;
		}
	}
	return false;
}

bool root_regions_at(uint32_t index, uint64_t *start, uint64_t *bytes)
{
	struct page *page = atomic_load(&first_page);

	for (; page != NULL; page = atomic_load(&page->next)) {
		for (uint32_t i = 0; i < SLOTS; i++) {
			*start = atomic_load(&page->slots[i].start);
			*bytes = atomic_load(&page->slots[i].bytes);
			if (*start != 0 && *bytes != 0 && index-- == 0)
				return true;
		}
	}
	return false;
}
