/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal_free_record: the free that has ended the program, as a record of the file.
 *
 *   Runs in   whoever takes the last snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    a buffer
 *   Calls     nothing else
 *   Failure   the payload is empty or says that it failed, and the snapshot does without
 */
#include "lib/snapshot/fatal_free_record.h"

#include "lib/base/text.h"
#include "lib/record/live_table.h"
#include "lib/record/stray_free.h"
#include "lib/snapshot/snapshot_reason.h"

#include "lib/base/poison.h"

struct search {
	uint64_t addr;
	struct seep_fatal_free *head;
};

static void look_inside(uint64_t addr, const struct live_block *block, void *context)
{
	const struct search *search = context;

	if (search->addr <= addr || search->addr - addr >= block->bytes)
		return;
	search->head->allocated_by = block->stack;
	search->head->block_bytes = block->bytes;
	search->head->block_offset = search->addr - addr;
}

struct buffer fatal_free_record_payload(uint32_t number, enum seep_snapshot_reason reason,
					uint32_t stack_count)
{
	struct buffer payload = {0};
	struct fatal_free fatal;

	if (!snapshot_reason_is_last(reason) || !stray_free_find_fatal(&fatal) ||
	    fatal.stack >= stack_count)
		return payload;
	struct seep_fatal_free head = {.struct_bytes = sizeof(head),
				       .snapshot = number,
				       .freed_by = fatal.stack,
				       .message_bytes = (uint32_t)text_bytes(fatal.message)};
	struct search search = {.addr = fatal.addr, .head = &head};

	live_table_walk(look_inside, &search);
	if (head.allocated_by >= stack_count)
		head.allocated_by = 0, head.block_bytes = head.block_offset = 0;
	buffer_add(&payload, &head, sizeof(head));
	buffer_add(&payload, fatal.message, head.message_bytes);
	return payload;
}
