/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interior_pointers: which pointers into a block are as good as one to its start.
 */
#ifndef LIB_SCAN_INTERIOR_POINTERS_H
#define LIB_SCAN_INTERIOR_POINTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/memory_spans.h"

/* Whether compilers and libraries point so into the block at `addr`, which can be read:
 *
 *   std::string   24 bytes behind the start, which are length, capacity and count of references
 *   a length      8 bytes behind the start, where the length of the rest stands
 *   new[]         8 or 16 bytes behind it, with the number of elements in between
 *   inheritance   to the table of virtual functions of a second base class
 *
 * `constants` is where tables of virtual functions can lie. */
bool interior_pointer_is_start(const struct memory_spans *constants, uint64_t addr, uint64_t bytes,
			       uint64_t pointer);

#endif
