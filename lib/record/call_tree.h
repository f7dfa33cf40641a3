/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_tree: every stack that ever allocated, stored once and known by a number.
 *
 * A node is (parent, pc); a stack's id is that of its innermost node, so stacks share their outer
 * frames. Nodes are only ever added. A forked child keeps the tree; its counters start from zero.
 */
#ifndef LIB_RECORD_CALL_TREE_H
#define LIB_RECORD_CALL_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/stack_capture.h"

#define CALL_TREE_NODES_MAX (1u << 24)

/* Ids that exist from the start. */
enum { CALL_TREE_ROOT = 0, CALL_TREE_NESTED = 1, CALL_TREE_NO_ROOM = 2, CALL_TREE_FIRST = 3 };

struct call_node {
	uint64_t pc; /* 0: being filled by another thread */
	uint32_t parent;
	uint32_t generation;
};

struct site_counters {
	uint64_t allocations, allocated_bytes;
};

bool call_tree_start(void);

uint32_t call_tree_stack_slow(struct stack_trace *trace, uint64_t pseudo_pc);

/* The id of a captured stack; `pseudo_pc` is its innermost frame if it is not 0. Notes the nodes of
 * its frames in the trace. CALL_TREE_NO_ROOM when the tree is full. Leaves for the slow half when a
 * frame has no node yet. */
static inline uint32_t call_tree_stack(struct stack_trace *trace, uint64_t pseudo_pc)
{
	if (trace->noded == trace->count && trace->count > 0 && pseudo_pc == 0)
		return trace->frames[trace->count - 1].node;
	return call_tree_stack_slow(trace, pseudo_pc);
}

/* Makes the next table if one is needed soon, so that no thread of the program has to. For whoever has
 * time, now and then. */
void call_tree_prepare(void);

/* No more nodes than this, at most CALL_TREE_NODES_MAX. */
void call_tree_limit(uint64_t nodes);

/* Nodes so far, root included. Ids below are valid; the newest may still be being filled. */
uint32_t call_tree_count(void);
struct call_node call_tree_node(uint32_t id);

struct site_counters *call_tree_counters(uint32_t id);

/* Of a debug build, while nobody adds anything: every node hangs from an older one, and everything
 * that is in the table is found there. */
void call_tree_verify(void);

#endif
