/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_records: the call tree as records of the file.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    a buffer of some 6 to 8 bytes for each new stack
 *   Calls     nanosleep while a thread adds a stack; what snapshot_file calls
 *   Failure   a negative errno value; the next call writes what is missing
 */
#include "lib/snapshot/stack_records.h"

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/record/call_tree.h"
#include "lib/snapshot/snapshot_file.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define NODE_SHARE_BYTES 16 /* of the largest file, for each node: at most half of it is stacks */
#define STACKS_PER_RECORD (1u << 20)
#define FILLING_PAUSES 100

static uint32_t written_end; /* the file has the stacks below */

void stack_records_start(void)
{
	/* A node takes some 6 to 8 bytes of the file and can never leave it. */
	call_tree_limit(options.max_file_bytes / NODE_SHARE_BYTES);
	written_end = CALL_TREE_ROOT + 1;
}

uint32_t stack_records_end(void)
{
	return written_end;
}

/* Waits for a node that another thread is filling at this moment. */
static struct call_node filled_node(uint32_t id)
{
	struct call_node node = call_tree_node(id);

	for (int i = 0; i < FILLING_PAUSES && node.pc == 0; i++) {
		struct timespec pause = {.tv_nsec = 100000};

		sys_call(SYS_nanosleep, &pause, 0);
		node = call_tree_node(id);
	}
	return node;
}

/* The stacks that this snapshot may speak of: those before the first node that is not filled yet. A
 * thread that was killed in the middle of one never fills it. */
uint32_t stack_records_complete(uint32_t count, bool is_quiet)
{
	for (uint32_t id = written_end; id < count && !is_quiet; id++)
		if (filled_node(id).pc == 0)
			return id;
	return count;
}

int stack_records_append(uint64_t time_ns, uint32_t end)
{
	INVARIANT(end <= call_tree_count() && written_end > CALL_TREE_ROOT, end, written_end);
	while (written_end < end) {
		struct seep_stacks head = {.struct_bytes = sizeof(head), .first_id = written_end};
		struct buffer payload = {0};
		uint64_t pc = 0;
		int result;

		head.count = end - head.first_id;
		if (head.count > STACKS_PER_RECORD)
			head.count = STACKS_PER_RECORD;
		buffer_add(&payload, &head, sizeof(head));
		for (uint32_t id = head.first_id; id < head.first_id + head.count; id++) {
			struct call_node node = call_tree_node(id);

			if (node.pc == 0)
				node.pc = SEEP_PC_NO_ROOM;
			INVARIANT(node.parent < id, node.parent, id);
			buffer_add_varint(&payload, id - node.parent);
			buffer_add_varint(&payload, buffer_zigzag((int64_t)(node.pc - pc)));
			buffer_add_varint(&payload, node.generation);
			pc = node.pc;
		}
		result = snapshot_file_append_buffer(SEEP_RECORD_STACKS, time_ns, &payload);
		if (result != 0)
			return result;
		written_end += head.count;
	}
	return 0;
}
