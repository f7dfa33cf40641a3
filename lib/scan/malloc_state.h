/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc_state: where glibc's malloc keeps what it knows of free memory, and the arenas of its threads.
 */
#ifndef LIB_SCAN_MALLOC_STATE_H
#define LIB_SCAN_MALLOC_STATE_H

#include "lib/scan/memory_layout.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/span_list.h"

/* Adds it to `holes`, where libc is glibc and its malloc has been used. */
void malloc_state_find(const struct memory_layout *layout, struct scan_memory *memory,
		       struct span_list *holes);
/* Adds the arenas of threads that lie in an anonymous mapping. */
void malloc_state_find_arenas(const struct memory_layout *layout,
			      const struct laid_mapping *mapping, struct scan_memory *memory,
			      struct span_list *holes);

#endif
