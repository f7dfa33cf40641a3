/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_index: from any word to the live block that it points to or into, and what is known of that
 * block so far: its mark.
 *
 * Made out of the live table in the copy of a process, where nothing changes any more.
 */
#ifndef LIB_SCAN_BLOCK_INDEX_H
#define LIB_SCAN_BLOCK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/record/live_table.h"
#include "lib/scan/memory_spans.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/site_numbers.h"

/* What is known of a block, step by step: first what can be reached, then how the rest hangs together. */
enum block_mark {
	MARK_NONE = 0,	   /* nothing points to it yet */
	MARK_SEEN = 1,	   /* something points into it; later: in the group of a leader */
	MARK_REACHED = 2,  /* reachable */
	MARK_POSSIBLE = 3, /* possibly lost */
	MARK_LEADER =
		4, /* of a group of lost blocks, of whom one may be found to hang under another */
	MARK_HEAD = 5,	   /* definitely lost */
	MARK_INDIRECT = 6, /* indirectly lost */
	MARK_COUNTED = 7,  /* indirectly lost, and counted under a head */
	MARK_LIMIT = 8,
};

/* A block: address / 8, or its place in the array of the side blocks. */
typedef uint64_t block_ref;
#define BLOCK_REF_BITS 45
#define BLOCK_REF_IS_SIDE (1ull << 44)
#define BLOCK_REF_NONE UINT64_MAX

/* A block that has no word in the live table. */
struct side_block {
	uint64_t addr, bytes;
	uint32_t stack;
	uint32_t epoch : 18, mark : 3, is_unreadable : 1;
};

/*
 * One byte for every 32 bytes of heap, in which a block with a word in the live table may begin:
 * mark 3 | is there one 1 | its offset / 8 2 | is it unreadable 1.
 */
#define GRANULE_MARK 7u
#define GRANULE_IS_START 8u
#define GRANULE_OFFSET_SHIFT 4
#define GRANULE_IS_UNREADABLE 64u

#define INDEX_CHUNK_BITS 20 /* 1 MiB */
#define INDEX_CHUNK_GRANULES (1u << (INDEX_CHUNK_BITS - LIVE_TABLE_GRANULE_BITS))
#define INDEX_CHUNK_PAGES (1u << (INDEX_CHUNK_BITS - 12))
#define INDEX_LEAF_CHUNKS (1u << (LIVE_TABLE_LEAF_BITS - INDEX_CHUNK_BITS))

struct index_chunk {
	uint8_t *granules; /* null: no block with a word begins here */
	uint32_t *
		behind; /* by page: side blocks that begin before its end; null: none begins here */
	uint32_t first; /* side blocks that begin before the chunk */
	uint32_t reaching; /* the one of them that reaches into it, + 1; 0: none */
};

struct index_leaf {
	uint64_t number; /* address / 64 MiB */
	struct index_chunk chunks[INDEX_LEAF_CHUNKS];
};

struct block_index {
	struct scan_memory *memory;
	uint64_t low, high;	  /* blocks lie between these addresses */
	uint32_t *leaf_of;	  /* by address / 64 MiB: place in `leafs` + 1; 0: no block */
	struct index_leaf *leafs; /* by rising address once built */
	uint32_t leaf_count, leaf_room;
	struct side_block *side; /* by rising address */
	uint64_t side_count;
	uint64_t block_count;
	uint64_t marked[MARK_LIMIT]; /* how many blocks have each mark */
	bool has_unreadable;	     /* one with a word cannot be read */
	struct index_piece *pieces;  /* memory of the chunks */
	bool is_failed;
};

/* What is remembered of a block, and whether its memory can be read. */
struct indexed_block {
	uint64_t addr, bytes;
	uint32_t stack, epoch;
	bool is_readable;
};

/* False when there is no memory; release it in any case. Notes the site of each block. */
bool block_index_build(struct block_index *index, struct scan_memory *memory,
		       const struct memory_spans *readable, struct site_numbers *sites);
void block_index_release(struct block_index *index);

/* The side block at or around the address; BLOCK_REF_NONE. */
block_ref block_index_find_side(const struct block_index *index, const struct index_chunk *chunk,
				uint64_t addr);

/* Visits the blocks that have one of the marks (1 << mark | …): first those with a word, then the others,
 * each by rising address, or all that the other way round. The visitor may change marks. Costs nothing where
 * no block has one of them. */
typedef void indexed_block_visitor(block_ref ref, void *context);
void block_index_walk(struct block_index *index, uint32_t marks, bool is_backwards,
		      indexed_block_visitor *visit, void *context);

/* The chunk of an address below `high`, or null. */
static inline struct index_chunk *block_index_chunk(const struct block_index *index, uint64_t addr)
{
	uint32_t leaf = index->leaf_of[addr >> LIVE_TABLE_LEAF_BITS];

	if (leaf == 0)
		return NULL;
	return &index->leafs[leaf - 1].chunks[addr >> INDEX_CHUNK_BITS & (INDEX_LEAF_CHUNKS - 1)];
}

static inline uint32_t block_index_granule(uint64_t addr)
{
	return addr >> LIVE_TABLE_GRANULE_BITS & (INDEX_CHUNK_GRANULES - 1);
}

/* Of a block that has a word. */
static inline uint8_t *block_index_byte(const struct block_index *index, block_ref ref)
{
	uint64_t addr = ref << 3;

	return &block_index_chunk(index, addr)->granules[block_index_granule(addr)];
}

static inline enum block_mark block_index_mark(const struct block_index *index, block_ref ref)
{
	if ((ref & BLOCK_REF_IS_SIDE) != 0)
		return index->side[ref & ~BLOCK_REF_IS_SIDE].mark;
	return *block_index_byte(index, ref) & GRANULE_MARK;
}

static inline void block_index_set_mark(struct block_index *index, block_ref ref,
					enum block_mark mark)
{
	struct side_block *side;
	uint8_t *byte;

	index->marked[mark]++;
	if ((ref & BLOCK_REF_IS_SIDE) != 0) {
		side = &index->side[ref & ~BLOCK_REF_IS_SIDE];
		index->marked[side->mark]--;
		side->mark = (uint32_t)mark & GRANULE_MARK;
		return;
	}
	byte = block_index_byte(index, ref);
	index->marked[*byte & GRANULE_MARK]--;
	*byte = (uint8_t)((*byte & ~GRANULE_MARK) | mark);
}

static inline struct indexed_block block_index_get(const struct block_index *index, block_ref ref)
{
	const struct side_block *side;
	uint64_t word;

	if ((ref & BLOCK_REF_IS_SIDE) != 0) {
		side = &index->side[ref & ~BLOCK_REF_IS_SIDE];
		return (struct indexed_block){side->addr, side->bytes, side->stack, side->epoch,
					      !side->is_unreadable};
	}
	word = *live_table_word(ref << 3);
	return (struct indexed_block){ref << 3, live_word_bytes(word), live_word_stack(word),
				      live_word_epoch(word),
				      !index->has_unreadable || (*block_index_byte(index, ref) &
								 GRANULE_IS_UNREADABLE) == 0};
}

static inline uint32_t block_index_stack(const struct block_index *index, block_ref ref)
{
	if ((ref & BLOCK_REF_IS_SIDE) != 0)
		return index->side[ref & ~BLOCK_REF_IS_SIDE].stack;
	return live_word_stack(*live_table_word(ref << 3));
}

/* The block with a word that begins before `granule`, not more than a small block's length; null. */
const uint8_t *block_index_before_slow(const struct block_index *index,
				       const struct index_chunk *chunk, uint64_t addr,
				       uint64_t *start);

/* The block that begins at the address (*is_start) or around it; BLOCK_REF_NONE. For one in a chunk. */
static inline block_ref block_index_find(const struct block_index *index,
					 const struct index_chunk *chunk, uint64_t addr,
					 bool *is_start)
{
	block_ref ref;

	*is_start = false;
	if (chunk->granules != NULL) {
		uint8_t byte = chunk->granules[block_index_granule(addr)];
		uint64_t start = (addr & ~31ull) | (uint64_t)(byte >> GRANULE_OFFSET_SHIFT & 3)
							   << 3;

		if ((byte & GRANULE_IS_START) != 0 && start == addr) {
			*is_start = true;
			return addr >> 3;
		}
		if (((byte & GRANULE_IS_START) != 0 && start < addr) ||
		    block_index_before_slow(index, chunk, addr, &start) != NULL) {
			if (addr - start < live_word_bytes(*live_table_word(start)))
				return start >> 3;
		}
	}
	if (chunk->behind == NULL && chunk->reaching == 0)
		return BLOCK_REF_NONE;
	ref = block_index_find_side(index, chunk, addr);
	*is_start = ref != BLOCK_REF_NONE && index->side[ref & ~BLOCK_REF_IS_SIDE].addr == addr;
	return ref;
}

#endif
