/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_queue: the blocks that were reached, in the order in which they were, and how.
 *
 * A queue that keeps paths keeps all its blocks, taken or not. The path of a block is the path of the
 * block `up` and then `run` equal steps, each from a block of up's stack, at the same place in it: so
 * the path of the last node of a list is short.
 */
#ifndef LIB_SCAN_BLOCK_QUEUE_H
#define LIB_SCAN_BLOCK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/scan/block_index.h"
#include "lib/scan/scan_memory.h"

/* How a block was reached. */
struct block_path {
	uint32_t up;	/* place in the queue, or BLOCK_PATH_ROOT | index of a root */
	uint32_t place; /* of the pointer in the block or root that it lies in, / 8 */
};
#define BLOCK_PATH_ROOT (1u << 31)

#define BLOCK_QUEUE_CHUNK_BITS 15
#define BLOCK_QUEUE_CHUNK (1u << BLOCK_QUEUE_CHUNK_BITS)
#define BLOCK_QUEUE_CHUNKS (1u << (31 - BLOCK_QUEUE_CHUNK_BITS))
#define BLOCK_QUEUE_RUN_MAX ((1u << 19) - 1) /* longer runs are as long as this */

struct block_queue {
	struct scan_memory *memory;
	uint64_t **blocks;	   /* by chunk: block_ref | run << BLOCK_REF_BITS */
	struct block_path **paths; /* by chunk; null: none are kept */
	uint32_t head, tail;	   /* places of the next one to take, and of the next to add */
	bool is_failed;		   /* a block could not be added */
};

/* With paths if there is memory for them; false when there is none for anything. */
bool block_queue_start(struct block_queue *queue, struct scan_memory *memory, bool keeps_paths);
void block_queue_release(struct block_queue *queue);

/* Gives up the paths when there is no memory for both, and after that sets is_failed. */
void block_queue_add(struct block_queue *queue, block_ref ref, uint32_t run,
		     struct block_path path);

/* The next one; there is one when head != tail. */
block_ref block_queue_take(struct block_queue *queue);

/* Where all have been taken the queue begins anew, unless it keeps them. */
void block_queue_rewind(struct block_queue *queue);

static inline uint64_t block_queue_entry(const struct block_queue *queue, uint32_t place)
{
	return queue->blocks[place >> BLOCK_QUEUE_CHUNK_BITS][place & (BLOCK_QUEUE_CHUNK - 1)];
}

static inline block_ref block_queue_ref(const struct block_queue *queue, uint32_t place)
{
	return block_queue_entry(queue, place) & ((1ull << BLOCK_REF_BITS) - 1);
}

static inline uint32_t block_queue_run(const struct block_queue *queue, uint32_t place)
{
	return (uint32_t)(block_queue_entry(queue, place) >> BLOCK_REF_BITS);
}

static inline struct block_path block_queue_path(const struct block_queue *queue, uint32_t place)
{
	return queue->paths[place >> BLOCK_QUEUE_CHUNK_BITS][place & (BLOCK_QUEUE_CHUNK - 1)];
}

#endif
