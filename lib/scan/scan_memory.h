/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_memory: what a scan maps for itself, counted and with a limit.
 *
 * The copy of the process is a second process of its size for as long as it works: whatever it maps or
 * writes comes on top of that.
 */
#ifndef LIB_SCAN_SCAN_MEMORY_H
#define LIB_SCAN_SCAN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct scan_memory {
	uint64_t limit;	      /* in bytes */
	uint64_t bytes, most; /* mapped now, and at most so far */
};

/* Zeroed, page aligned; null when there is none or the limit would be passed. */
void *scan_memory_map(struct scan_memory *memory, uint64_t bytes);

/* Gives it back, with the same number of bytes; null is nothing. */
void scan_memory_unmap(struct scan_memory *memory, void *start, uint64_t bytes);

/* The same for a table of which hardly a page is touched: only SCAN_MEMORY_SPARSE_BYTES are counted. */
#define SCAN_MEMORY_SPARSE_BYTES (64u << 10)
void *scan_memory_map_sparse(struct scan_memory *memory, uint64_t bytes);
void scan_memory_unmap_sparse(struct scan_memory *memory, void *start, uint64_t bytes);

#endif
