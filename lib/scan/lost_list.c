/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_list: which blocks a scan has found lost, for the scan that is to confirm it.
 *
 * Addresses as differences, in the order of a walk: first of blocks with a word in the live table, then a
 * zero, then of the others. Two or three bytes a block.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    payload
 *   Calls     what payload calls
 *   Failure   payload.is_failed: what is not in the list is not confirmed
 */
#include "lib/scan/lost_list.h"

#include "lib/base/poison.h"

struct making {
	struct payload list;
	struct scan_memory *memory;
	const struct block_index *index;
	uint64_t last;
	uint32_t since_epoch;
	bool is_at_side, has_any_since;
};

static bool is_side(block_ref ref)
{
	return (ref & BLOCK_REF_IS_SIDE) != 0;
}

static uint64_t addr_of(const struct block_index *index, block_ref ref)
{
	return is_side(ref) ? index->side[ref & ~BLOCK_REF_IS_SIDE].addr : ref << 3;
}

static void begin_side(struct making *making)
{
	payload_add_varint(&making->list, making->memory, 0);
	making->is_at_side = true;
	making->last = 0;
}

static void add(block_ref ref, void *context)
{
	struct making *making = context;
	uint64_t addr = addr_of(making->index, ref);

	making->has_any_since |= block_index_get(making->index, ref).epoch >= making->since_epoch;
	if (is_side(ref) && !making->is_at_side)
		begin_side(making);
	payload_add_varint(&making->list, making->memory, addr - making->last);
	making->last = addr;
}

struct payload lost_list_make(struct block_index *index, struct scan_memory *memory, uint32_t marks,
			      uint32_t since_epoch)
{
	struct making making = {.memory = memory, .index = index, .since_epoch = since_epoch};

	block_index_walk(index, marks, false, add, &making);
	if (!making.has_any_since) {
		making.list.bytes = 0;
		making.is_at_side = false;
	}
	if (!making.is_at_side)
		begin_side(&making);
	return making.list;
}

/* To the next address; 0, of which there is no block, at the end of a half. */
static void read_next(struct lost_list_cursor *cursor)
{
	uint64_t difference = payload_take_varint(cursor->list, &cursor->place);

	if (difference != 0) {
		cursor->addr += difference;
	} else if (!cursor->is_at_side) {
		cursor->is_at_side = true;
		cursor->addr = 0;
	} else {
		cursor->is_at_end = true;
	}
}

bool lost_list_has(struct lost_list_cursor *cursor, const struct block_index *index, block_ref ref)
{
	uint64_t addr = addr_of(index, ref);

	while (!cursor->is_at_end && (is_side(ref) ? !cursor->is_at_side || cursor->addr < addr
						   : !cursor->is_at_side && cursor->addr < addr))
		read_next(cursor);
	return !cursor->is_at_end && cursor->is_at_side == is_side(ref) && cursor->addr == addr;
}
