/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_regions: memory that the program has declared to hold pointers that count.
 */
#ifndef LIB_RECORD_ROOT_REGIONS_H
#define LIB_RECORD_ROOT_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

/* False when there is no memory. The same region may be added more than once. */
bool root_regions_add(uint64_t start, uint64_t bytes);

/* One that was added, with the same start and length. False when there is none. */
bool root_regions_remove(uint64_t start, uint64_t bytes);

/* Number `index` of those that are there; false when there are not so many. For the copy of a process, where
 * nothing changes any more. */
bool root_regions_at(uint32_t index, uint64_t *start, uint64_t *bytes);

#endif
