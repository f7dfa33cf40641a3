/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declared_roots: what the program itself says about its memory: regions that count as roots, and blocks
 * that are no leak.
 */
#ifndef LIB_SCAN_DECLARED_ROOTS_H
#define LIB_SCAN_DECLARED_ROOTS_H

#include "lib/scan/memory_layout.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"

/* Adds them. What cannot be read of a region is left out. */
void declared_roots_find(const struct memory_layout *layout, struct scan_memory *memory,
			 struct root_list *roots);

#endif
