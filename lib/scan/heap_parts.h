/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap_parts: which memory is an allocator's. Of that only live blocks count, and they are no roots.
 */
#ifndef LIB_SCAN_HEAP_PARTS_H
#define LIB_SCAN_HEAP_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/memory_layout.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/span_list.h"
#include "lib/scan/stopped_threads.h"

/* Adds to `holes` what allocators hold: pools, and the pages of blocks that have a mapping of their own. Adds
 * to `roots` the blocks that the dynamic linker has allocated, and the stacks of threads of which the
 * stack pointer lies in a block. False when there is no memory. */
bool heap_parts_find(const struct memory_layout *layout, const struct stopped_threads *threads,
		     struct scan_memory *memory, struct span_list *holes, struct root_list *roots);

#endif
