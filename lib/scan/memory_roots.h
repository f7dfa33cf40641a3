/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_roots: data of modules, and mappings that are neither a heap nor a stack nor ours.
 */
#ifndef LIB_SCAN_MEMORY_ROOTS_H
#define LIB_SCAN_MEMORY_ROOTS_H

#include "lib/scan/memory_layout.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/span_list.h"

/* Adds to `roots` what the program can have written to, save what lies in `holes`, of which it adds our own
 * memory; holes are joined. */
void memory_roots_find(const struct memory_layout *layout, struct scan_memory *memory,
		       struct span_list *holes, struct root_list *roots);

#endif
