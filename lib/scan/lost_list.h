/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_list: which blocks a scan has found lost, for the scan that is to confirm it.
 *
 * A block that was born before the first of the two scans and lies at the same address in the second is the
 * same block.
 */
#ifndef LIB_SCAN_LOST_LIST_H
#define LIB_SCAN_LOST_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/block_index.h"
#include "lib/scan/payload.h"

/* Blocks of which the mark is one of these (1 << mark | …); none, unless one of them was born in the
 * epoch or later. Older ones are what those may hang under. */
struct payload lost_list_make(struct block_index *index, struct scan_memory *memory, uint32_t marks,
			      uint32_t since_epoch);

#define LOST_LIST_EMPTY_BYTES 1u /* of a list without blocks: the zero between its halves */

/* Goes through a list beside a walk over an index, in the same order. */
struct lost_list_cursor {
	const struct payload *list;
	uint64_t place, addr; /* behind the address that was read last; that address, 0: none yet */
	bool is_at_side, is_at_end;
};

/* Whether the block is in the list; asked for blocks in the order of a walk, each once at most. */
bool lost_list_has(struct lost_list_cursor *cursor, const struct block_index *index, block_ref ref);

#endif
