/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap_memory: what the program's allocators hold, and how much of that is resident.
 *
 * Found out from where live blocks lie, for any allocator; nobody's locks are taken and no thread waits.
 * The numbers are those of struct seep_snapshot.
 */
#ifndef LIB_SNAPSHOT_HEAP_MEMORY_H
#define LIB_SNAPSHOT_HEAP_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/page_fill.h"

struct heap_memory {
	uint64_t bytes;		 /* of address space; 0: not known, nor is anything else */
	uint64_t resident_bytes; /* of that; 0: not known */
	/* pages with live blocks: of what is resident, where that is known */
	uint64_t live_page_bytes;
};

/* With `until_ns` (CLOCK_MONOTONIC; 0: no end) what is not known by then stays unknown. One thread at
 * a time: what was an allocator's is remembered for the next time. */
struct heap_memory heap_memory_read(const struct page_fill *fill, uint64_t until_ns);

/* The same from another list of mappings than /proc/self/maps. */
struct heap_memory heap_memory_of(const struct page_fill *fill, const char *maps,
				  uint64_t until_ns);

/* Whether a pool began at this address when that was read last: at the start of an anonymous mapping, or
 * at a multiple of 64 MiB in it. */
bool heap_memory_was_pool(uint64_t start);

#endif
