/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_queue: the blocks that were reached, in the order in which they were, and how.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 8 bytes for each block that waits; with paths 16 for each that ever did
 *   Calls     what scan_memory calls
 *   Failure   first paths are given up, then is_failed
 */
#include "lib/scan/block_queue.h"

#include "lib/base/invariant.h"

#include "lib/base/poison.h"

#define BLOCKS_BYTES (BLOCK_QUEUE_CHUNK * sizeof(uint64_t))
#define PATHS_BYTES (BLOCK_QUEUE_CHUNK * sizeof(struct block_path))
#define TABLE_BYTES (BLOCK_QUEUE_CHUNKS * sizeof(void *))

bool block_queue_start(struct block_queue *queue, struct scan_memory *memory, bool keeps_paths)
{
	*queue = (struct block_queue){.memory = memory};
	queue->blocks = scan_memory_map_sparse(memory, TABLE_BYTES);
	if (queue->blocks != NULL && keeps_paths)
		queue->paths = scan_memory_map_sparse(memory, TABLE_BYTES);
	return queue->blocks != NULL;
}

static void give_up_paths(struct block_queue *queue)
{
	if (queue->paths == NULL)
		return;
	for (uint32_t i = 0; i < BLOCK_QUEUE_CHUNKS && queue->paths[i] != NULL; i++)
		scan_memory_unmap(queue->memory, queue->paths[i], PATHS_BYTES);
	scan_memory_unmap_sparse(queue->memory, queue->paths, TABLE_BYTES);
	queue->paths = NULL;
	/* Nobody looks back any more. */
	for (uint32_t i = 0; i < queue->head >> BLOCK_QUEUE_CHUNK_BITS; i++) {
		scan_memory_unmap(queue->memory, queue->blocks[i], BLOCKS_BYTES);
		queue->blocks[i] = NULL;
	}
}

void block_queue_release(struct block_queue *queue)
{
	if (queue->blocks == NULL)
		return;
	give_up_paths(queue);
	for (uint32_t i = 0; i <= queue->tail >> BLOCK_QUEUE_CHUNK_BITS && i < BLOCK_QUEUE_CHUNKS;
	     i++)
		scan_memory_unmap(queue->memory, queue->blocks[i], BLOCKS_BYTES);
	scan_memory_unmap_sparse(queue->memory, queue->blocks, TABLE_BYTES);
	*queue = (struct block_queue){0};
}

/* Memory for a chunk, where there is none yet. */
static bool make_chunk(struct block_queue *queue, uint32_t chunk)
{
	if (chunk >= BLOCK_QUEUE_CHUNKS)
		return false;
	if (queue->blocks[chunk] == NULL)
		queue->blocks[chunk] = scan_memory_map(queue->memory, BLOCKS_BYTES);
	if (queue->paths != NULL && queue->blocks[chunk] != NULL && queue->paths[chunk] == NULL)
		queue->paths[chunk] = scan_memory_map(queue->memory, PATHS_BYTES);
	return queue->blocks[chunk] != NULL &&
	       (queue->paths == NULL || queue->paths[chunk] != NULL);
}

void block_queue_add(struct block_queue *queue, block_ref ref, uint32_t run, struct block_path path)
{
	uint32_t chunk = queue->tail >> BLOCK_QUEUE_CHUNK_BITS;
	uint32_t place = queue->tail & (BLOCK_QUEUE_CHUNK - 1);

	if (place == 0 && !make_chunk(queue, chunk)) {
		give_up_paths(queue);
		if (!make_chunk(queue, chunk)) {
			queue->is_failed = true;
			return;
		}
	}
	INVARIANT(run <= BLOCK_QUEUE_RUN_MAX && ref >> BLOCK_REF_BITS == 0, run, ref);
	queue->blocks[chunk][place] = ref | (uint64_t)run << BLOCK_REF_BITS;
	if (queue->paths != NULL)
		queue->paths[chunk][place] = path;
	queue->tail++;
}

block_ref block_queue_take(struct block_queue *queue)
{
	block_ref ref = block_queue_ref(queue, queue->head++);
	uint32_t chunk = (queue->head >> BLOCK_QUEUE_CHUNK_BITS) - 1;

	if (queue->paths == NULL && queue->head % BLOCK_QUEUE_CHUNK == 0) {
		scan_memory_unmap(queue->memory, queue->blocks[chunk], BLOCKS_BYTES);
		queue->blocks[chunk] = NULL;
	}
	return ref;
}

void block_queue_rewind(struct block_queue *queue)
{
	uint32_t chunk = queue->head >> BLOCK_QUEUE_CHUNK_BITS;

	INVARIANT(queue->head == queue->tail, queue->head, queue->tail);
	if (queue->paths != NULL)
		return;
	/* The chunk that is in use goes to the front. */
	if (chunk > 0 && chunk < BLOCK_QUEUE_CHUNKS) {
		queue->blocks[0] = queue->blocks[chunk];
		queue->blocks[chunk] = NULL;
	}
	queue->head = queue->tail = 0;
}
