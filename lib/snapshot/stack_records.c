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
#define PAUSE_NS 100000

static uint32_t written_end; /* the file has the stacks below */
static uint32_t doubted_end; /* those below were there when one of them was found empty */

void stack_records_start(void)
{
	/* A node takes some 6 to 8 bytes of the file and can never leave it. */
	call_tree_limit(options.max_file_bytes / NODE_SHARE_BYTES);
	written_end = CALL_TREE_ROOT + 1;
	doubted_end = 0;
}

uint32_t stack_records_end(void)
{
	return written_end;
}

/* Waits for a node that another thread is filling at this moment. */
static bool is_filled(uint32_t id, int *pauses)
{
	for (; call_tree_node(id).pc == 0 && *pauses > 0; --*pauses) {
		struct timespec pause = {.tv_nsec = PAUSE_NS};

		sys_call(SYS_nanosleep, &pause, 0);
	}
	return call_tree_node(id).pc != 0;
}

/* A thread that was killed in the middle of a node never fills it, nor does one that a fork left behind.
 * Newer stacks wait for it once: a node that was empty the last time, too, is given up. */
uint32_t stack_records_complete(uint32_t count, bool is_quiet)
{
	int pauses = FILLING_PAUSES;

	for (uint32_t id = written_end; id < count && !is_quiet; id++) {
		if (is_filled(id, &pauses) || id < doubted_end)
			continue;
		doubted_end = count;
		return id;
	}
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
				node = (struct call_node){.pc = SEEP_PC_NO_ROOM};
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
