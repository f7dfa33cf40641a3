/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_numbers: the roots that are named in a record, each once.
 *
 * A word is a root of its own, but for memory that is nobody's in particular: of a mapping, and of what
 * belongs to the dynamic linker, one word stands for all.
 */
#ifndef LIB_SCAN_ROOT_NUMBERS_H
#define LIB_SCAN_ROOT_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/payload.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"

#define ROOT_NUMBER_NONE UINT32_MAX

struct root_numbers {
	struct named_root *roots; /* by number */
	uint32_t *slots;	  /* hash of them: number + 1; 0: free */
	uint32_t count, room, slot_count;
};

/* For at most so many. False when there is no memory; release it in any case. */
bool root_numbers_start(struct root_numbers *numbers, struct scan_memory *memory, uint32_t room);
void root_numbers_release(struct root_numbers *numbers, struct scan_memory *memory);

/* The number of the word at `place` * 8 in the root `index` of the list; ROOT_NUMBER_NONE: no room. */
uint32_t root_numbers_get(struct root_numbers *numbers, const struct root_list *list,
			  uint32_t index, uint32_t place);

/* Adds struct seep_root for each, by number. */
void root_numbers_write(const struct root_numbers *numbers, const struct root_list *list,
			struct payload *payload, struct scan_memory *memory);

#endif
