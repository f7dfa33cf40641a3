/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: the library's own memory, straight from the kernel.
 *
 * Never from malloc: that is what we are watching. Pages appear when first touched, are left out of
 * core dumps and are not backed by huge pages (our tables are sparse). The library's own mappings
 * are counted, so that a report can say what seep itself costs.
 */
#ifndef LIB_BASE_REGION_H
#define LIB_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum region_fork {
	REGION_KEPT_ON_FORK,  /* a forked child sees a copy */
	REGION_WIPED_ON_FORK, /* a forked child, also one made by a raw clone, sees zeros */
};

/* Zeroed memory, page aligned; null when there is none. */
void *region_map(size_t bytes, enum region_fork fork);
void region_unmap(void *start, size_t bytes);

/* For large tables that are used all over. A region is of small pages otherwise, for most are sparse. */
void region_use_huge_pages(void *start, size_t bytes);

/* Makes huge pages of small ones where nearly all of a huge one's exist, so that it takes next to no more
 * memory; others may use the region meanwhile, and wait for a page that is being copied. False when the
 * kernel cannot, or has no huge pages left; what is in the region is the same in any case. */
bool region_gather_pages(void *start, size_t bytes);

/* The program has all that is mapped from now on locked, or no longer. Ours is not: with RLIMIT_MEMLOCK most
 * of our tables could not be mapped at all. */
void region_expect_locking(bool is_on);

/* After the program has locked all that there is. */
void region_unlock_all(void);

/* Gives the pages back; they read as zeros from now on. */
void region_forget(void *start, size_t bytes);

/* The length of our mapping that begins here; 0: none does, or it is not in the list. */
size_t region_bytes_at(const void *start);

/* Our mappings by number, from 0 on; false behind the last one. Numbers that are free have 0 bytes. */
bool region_at(size_t number, uintptr_t *start, size_t *bytes);

/* Bytes of address space that the library has mapped. */
size_t region_mapped_bytes(void);

/* Bytes of them that are resident; asks the kernel page by page, so only for snapshots. */
size_t region_resident_bytes(void);

#endif
