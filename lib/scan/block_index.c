/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_index: from any word to the live block that it points to or into.
 *
 * The live table itself has eight bytes where one is enough to say "a block begins here, and it is
 * reached": of most words that point to a block nothing else is asked. So there is one line of the
 * cache for 2 KiB of heap instead of 256 bytes, and no page of the table is written, which in a copy
 * would be a page more.
 *
 * Side blocks lie in an array, by address. A word is looked for among those of its page.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: a 32nd of the MiBs in which small blocks begin, 24 bytes a side block and a
 *             1024th of the MiBs in which those begin, 2 KiB for each 64 MiB
 *   Calls     what live_table_walk and scan_memory call
 *   Failure   is_failed
 */
#include "lib/scan/block_index.h"

#include "lib/base/invariant.h"
#include "lib/record/side_table.h"

#include "lib/base/poison.h"

#define FIRST_LEAFS 32u
#define PAGE_BITS 12
#define PIECE_BYTES (2u << 20) /* a huge page */
#define FIRST_PIECE_BYTES (128u << 10)
#define PIECE_HEAD_BYTES 64u
#define ADDRESS_LIMIT (1ull << LIVE_TABLE_ADDRESS_BITS)
#define SMALL_GRANULES 32u /* that a block with a word can reach into, behind its own */

/* Of memory that is given back all at once. */
struct index_piece {
	struct index_piece *next;
	uint64_t bytes, used;
};

/* What a walk needs. */
struct building {
	struct block_index *index;
	const struct memory_spans *readable;
	struct site_numbers *sites;
	struct memory_span span; /* the last one that a block lay in */
	uint64_t chunk;		 /* in which the last small block began */
	uint8_t *granules;	 /* its */
};

/* ---- memory ---------------------------------------------------------------------------------- */

static void *take_piece(struct block_index *index, uint64_t bytes)
{
	struct index_piece *piece = index->pieces;
	uint64_t piece_bytes = piece == NULL ? FIRST_PIECE_BYTES : PIECE_BYTES;

	if (piece == NULL || piece->bytes - piece->used < bytes) {
		piece = scan_memory_map(index->memory, piece_bytes);
		if (piece == NULL) {
			index->is_failed = true;
			return NULL;
		}
		*piece = (struct index_piece){index->pieces, piece_bytes, PIECE_HEAD_BYTES};
		index->pieces = piece;
	}
	piece->used += bytes;
	return (uint8_t *)piece + piece->used - bytes;
}

static bool grow_leafs(struct block_index *index)
{
	uint32_t room = index->leaf_room == 0 ? FIRST_LEAFS : index->leaf_room * 2;
	struct index_leaf *leafs = scan_memory_map(index->memory, room * sizeof(*leafs));

	if (leafs == NULL) {
		index->is_failed = true;
		return false;
	}
	for (uint32_t i = 0; i < index->leaf_count; i++)
		leafs[i] = index->leafs[i];
	scan_memory_unmap(index->memory, index->leafs, index->leaf_room * sizeof(*leafs));
	index->leafs = leafs;
	index->leaf_room = room;
	return true;
}

/* The chunk of an address, made if need be; null when there is no memory. */
static struct index_chunk *chunk_at(struct block_index *index, uint64_t addr)
{
	uint32_t *leaf = &index->leaf_of[addr >> LIVE_TABLE_LEAF_BITS];

	if (*leaf == 0) {
		if (index->leaf_count == index->leaf_room && !grow_leafs(index))
			return NULL;
		index->leafs[index->leaf_count].number = addr >> LIVE_TABLE_LEAF_BITS;
		*leaf = ++index->leaf_count;
	}
	return block_index_chunk(index, addr);
}

/* ---- small blocks ---------------------------------------------------------------------------- */

static bool is_readable(struct building *building, uint64_t addr, uint64_t bytes)
{
	const struct memory_span *span;

	if (addr + bytes < addr || addr + bytes > ADDRESS_LIMIT)
		return false;
	if (addr >= building->span.start && addr + bytes <= building->span.end)
		return true;
	if (!memory_spans_cover(building->readable, addr, bytes))
		return false;
	span = memory_spans_find(building->readable, addr);
	building->span = *span;
	return true;
}

static void note_block(struct building *building, uint64_t addr, const struct live_block *block)
{
	struct block_index *index = building->index;
	uint64_t end = addr + block->bytes;

	site_numbers_note(building->sites, block->stack);
	index->block_count++;
	if (addr < index->low)
		index->low = addr;
	if (end < addr || end >= ADDRESS_LIMIT)
		end = addr;
	/* One with no bytes is found at its address, too. */
	if (end + 1 > index->high)
		index->high = end + 1;
}

/* The byte of an address, made if need be; null when there is no memory. */
static uint8_t *byte_at(struct block_index *index, uint64_t addr)
{
	struct index_chunk *chunk = chunk_at(index, addr);

	if (chunk != NULL && chunk->granules == NULL)
		chunk->granules = take_piece(index, INDEX_CHUNK_GRANULES);
	if (chunk == NULL || chunk->granules == NULL)
		return NULL;
	return &chunk->granules[block_index_granule(addr)];
}

/* They come by rising address, so nearly all begin in the same chunk as the last one. */
static bool enter_chunk(struct building *building, uint64_t addr)
{
	uint8_t *byte = building->index->is_failed ? NULL : byte_at(building->index, addr);

	if (byte == NULL)
		return false;
	building->chunk = addr >> INDEX_CHUNK_BITS;
	building->granules = byte - block_index_granule(addr);
	return true;
}

static void add_small(uint64_t addr, const struct live_block *block, void *context)
{
	struct building *building = context;
	uint64_t last = block->bytes == 0 ? addr : addr + block->bytes - 1;
	uint8_t byte = (uint8_t)(GRANULE_IS_START | (addr >> 3 & 3) << GRANULE_OFFSET_SHIFT);

	if (addr >> INDEX_CHUNK_BITS != building->chunk && !enter_chunk(building, addr))
		return;
	if (!is_readable(building, addr, block->bytes)) {
		byte |= GRANULE_IS_UNREADABLE;
		building->index->has_unreadable = true;
	}
	building->granules[block_index_granule(addr)] = byte;
	note_block(building, addr, block);
	/* What begins in one chunk and ends in the next one is looked for in both. */
	if (addr >> INDEX_CHUNK_BITS != last >> INDEX_CHUNK_BITS && last < ADDRESS_LIMIT)
		byte_at(building->index, last);
}

/* ---- side blocks: counted by chunk, then put into their places, then sorted ---------------------- */

static bool has_place(uint64_t addr)
{
	return addr < ADDRESS_LIMIT;
}

static void count_side(uint64_t addr, const struct live_block *block, void *context)
{
	struct building *building = context;
	struct block_index *index = building->index;
	struct index_chunk *chunk;

	if (index->is_failed || !has_place(addr))
		return;
	chunk = chunk_at(index, addr);
	if (chunk == NULL)
		return;
	chunk->first++;
	index->side_count++;
	note_block(building, addr, block);
}

static void put_side(uint64_t addr, const struct live_block *block, void *context)
{
	struct building *building = context;
	struct index_chunk *chunk;

	if (!has_place(addr))
		return;
	chunk = block_index_chunk(building->index, addr);
	building->index->side[chunk->first++] = (struct side_block){
		.addr = addr,
		.bytes = block->bytes,
		.stack = block->stack,
		.epoch = block->epoch & LIVE_BLOCK_EPOCH_MAX,
		.is_unreadable = !is_readable(building, addr, block->bytes),
	};
}

/* Ciura, "Best increments for the average case of shellsort", 2001. */
static const uint32_t gaps[] = {107749, 47375, 20831, 9159, 4027, 1750, 701,
				301,	132,   57,    23,   10,	  4,	1};
#define GAPS (sizeof(gaps) / sizeof(gaps[0]))

/* A mapping that comes later mostly lies below the others. */
static void sort_leafs(struct block_index *index)
{
	for (uint32_t g = 0; g < GAPS; g++) {
		for (uint32_t i = gaps[g]; i < index->leaf_count; i++) {
			struct index_leaf leaf = index->leafs[i];
			uint32_t place = i;

			if (index->leafs[i - gaps[g]].number < leaf.number)
				continue;
			for (;
			     place >= gaps[g] && index->leafs[place - gaps[g]].number > leaf.number;
			     place -= gaps[g])
				index->leafs[place] = index->leafs[place - gaps[g]];
			index->leafs[place] = leaf;
		}
	}
	for (uint32_t i = 0; i < index->leaf_count; i++)
		index->leaf_of[index->leafs[i].number] = i + 1;
}

static void sort_side(struct side_block *blocks, uint32_t count)
{
	for (uint32_t g = 0; g < GAPS; g++) {
		for (uint32_t i = gaps[g]; i < count; i++) {
			struct side_block block = blocks[i];
			uint32_t place = i;

			for (; place >= gaps[g] && blocks[place - gaps[g]].addr > block.addr;
			     place -= gaps[g])
				blocks[place] = blocks[place - gaps[g]];
			blocks[place] = block;
		}
	}
}

typedef bool chunk_visitor(struct building *building, struct index_chunk *chunk, uint64_t addr);

static bool for_each_chunk(struct building *building, chunk_visitor *visit)
{
	struct block_index *index = building->index;

	for (uint32_t l = 0; l < index->leaf_count; l++)
		for (uint32_t c = 0; c < INDEX_LEAF_CHUNKS; c++)
			if (!visit(building, &index->leafs[l].chunks[c],
				   (index->leafs[l].number << LIVE_TABLE_LEAF_BITS) +
					   ((uint64_t)c << INDEX_CHUNK_BITS)))
				return false;
	return true;
}

/* From how many begin in the chunk to how many begin before it. */
static bool add_up_chunk(struct building *building, struct index_chunk *chunk, uint64_t addr)
{
	uint32_t count = chunk->first;

	(void)addr;
	chunk->first = (uint32_t)building->index->side_count;
	building->index->side_count += count;
	return true;
}

/* Once all are in their places `first` has become that of the next chunk. Goes back to front. */
static void finish_chunk(struct block_index *index, struct index_chunk *chunk, uint32_t first)
{
	struct side_block *blocks = &index->side[first];
	uint32_t count = chunk->first - first, behind = 0;

	chunk->first = first;
	if (count == 0)
		return;
	sort_side(blocks, count);
	chunk->behind = take_piece(index, INDEX_CHUNK_PAGES * sizeof(*chunk->behind));
	for (uint32_t page = 0; chunk->behind != NULL && page < INDEX_CHUNK_PAGES; page++) {
		while (behind < count &&
		       (blocks[behind].addr >> PAGE_BITS & (INDEX_CHUNK_PAGES - 1)) <= page)
			behind++;
		chunk->behind[page] = first + behind;
	}
}

static void finish_chunks(struct block_index *index)
{
	uint32_t first = 0;

	for (uint32_t l = 0; l < index->leaf_count; l++) {
		for (uint32_t c = 0; c < INDEX_LEAF_CHUNKS && !index->is_failed; c++) {
			struct index_chunk *chunk = &index->leafs[l].chunks[c];
			uint32_t next = chunk->first;

			finish_chunk(index, chunk, first);
			first = next;
		}
	}
}

/* Tells the chunks behind that of a block's start that it reaches into them. */
static void note_reach(struct block_index *index)
{
	for (uint64_t i = 0; i < index->side_count && !index->is_failed; i++) {
		const struct side_block *block = &index->side[i];
		uint64_t end = block->addr + block->bytes;

		if (block->bytes == 0 || end < block->addr || end > ADDRESS_LIMIT)
			continue;
		for (uint64_t chunk = (block->addr >> INDEX_CHUNK_BITS) + 1;
		     chunk << INDEX_CHUNK_BITS < end; chunk++) {
			struct index_chunk *place = chunk_at(index, chunk << INDEX_CHUNK_BITS);

			if (place == NULL)
				return;
			place->reaching = (uint32_t)i + 1;
		}
	}
}

static bool add_side_blocks(struct building *building)
{
	struct block_index *index = building->index;

	side_table_walk(count_side, building);
	if (index->is_failed || index->side_count >= UINT32_MAX)
		return false;
	sort_leafs(index);
	if (index->side_count == 0)
		return true;
	index->side = scan_memory_map(index->memory, index->side_count * sizeof(*index->side));
	if (index->side == NULL)
		return false;
	index->side_count = 0;
	for_each_chunk(building, add_up_chunk);
	side_table_walk(put_side, building);
	finish_chunks(index);
	note_reach(index);
	sort_leafs(index);
	return !index->is_failed;
}

bool block_index_build(struct block_index *index, struct scan_memory *memory,
		       const struct memory_spans *readable, struct site_numbers *sites)
{
	struct building building = {
		.index = index, .readable = readable, .sites = sites, .chunk = UINT64_MAX};

	*index = (struct block_index){.memory = memory, .low = UINT64_MAX};
	index->leaf_of =
		scan_memory_map_sparse(memory, LIVE_TABLE_LEAVES * sizeof(*index->leaf_of));
	if (index->leaf_of == NULL) {
		index->is_failed = true;
		return false;
	}
	live_table_walk_words(NULL, add_small, &building);
	if (index->is_failed || !add_side_blocks(&building))
		index->is_failed = true;
	index->marked[MARK_NONE] = index->block_count;
	return !index->is_failed;
}

void block_index_release(struct block_index *index)
{
	while (index->pieces != NULL) {
		struct index_piece *piece = index->pieces;

		index->pieces = piece->next;
		scan_memory_unmap(index->memory, piece, piece->bytes);
	}
	scan_memory_unmap(index->memory, index->side, index->side_count * sizeof(*index->side));
	scan_memory_unmap(index->memory, index->leafs, index->leaf_room * sizeof(*index->leafs));
	scan_memory_unmap_sparse(index->memory, index->leaf_of,
				 LIVE_TABLE_LEAVES * sizeof(*index->leaf_of));
	*index = (struct block_index){0};
}

/* ---- asking ---------------------------------------------------------------------------------- */

block_ref block_index_find_side(const struct block_index *index, const struct index_chunk *chunk,
				uint64_t addr)
{
	uint32_t low = chunk->first, high = chunk->first, page;
	const struct side_block *block;

	if (chunk->behind != NULL) {
		page = addr >> PAGE_BITS & (INDEX_CHUNK_PAGES - 1);
		high = chunk->behind[page];
		if (page > 0)
			low = chunk->behind[page - 1];
	}
	/* The last one that begins at or before the address. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->side[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == chunk->first)
		low = chunk->reaching;
	if (low == 0)
		return BLOCK_REF_NONE;
	block = &index->side[low - 1];
	if (addr != block->addr && addr - block->addr >= block->bytes)
		return BLOCK_REF_NONE;
	return BLOCK_REF_IS_SIDE | (low - 1);
}

_Static_assert(GRANULE_IS_START << 4 == 0x80, "where a block begins is also the high bit");
#define ALL_MARKS ((1u << MARK_LIMIT) - 1)
#define STARTS (0x0101010101010101ull * GRANULE_IS_START)

const uint8_t *block_index_before_slow(const struct block_index *index,
				       const struct index_chunk *chunk, uint64_t addr,
				       uint64_t *start)
{
	uint32_t granule = block_index_granule(addr), left = SMALL_GRANULES;
	uint64_t granule_addr = addr & ~31ull;

	/* Eight at a time, as long as they lie in the chunk. */
	for (; left >= 8 && granule >= 8; left -= 8, granule -= 8, granule_addr -= 256) {
		uint64_t eight;

		__builtin_memcpy(&eight, &chunk->granules[granule - 8], sizeof(eight));
		eight &= STARTS;
		if (eight != 0) {
			uint32_t back = (uint32_t)__builtin_clzll(eight) / 8 + 1;
			const uint8_t *byte = &chunk->granules[granule - back];

			*start = granule_addr - back * 32ull +
				 (uint64_t)(*byte >> GRANULE_OFFSET_SHIFT & 3) * 8;
			return byte;
		}
	}
	for (; left > 0; left--) {
		const uint8_t *byte;

		if (granule_addr == 0)
			return NULL;
		granule_addr -= 32;
		chunk = block_index_chunk(index, granule_addr);
		if (chunk == NULL || chunk->granules == NULL)
			return NULL;
		byte = &chunk->granules[block_index_granule(granule_addr)];
		if ((*byte & GRANULE_IS_START) != 0) {
			*start = granule_addr + (uint64_t)(*byte >> GRANULE_OFFSET_SHIFT & 3) * 8;
			return byte;
		}
	}
	return NULL;
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Where in eight granules begins a block with one of the marks: the high bit of each such byte. */
static uint64_t matches(uint64_t eight, uint32_t marks)
{
	const uint64_t ones = 0x0101010101010101ull, lows = 0x7f * ones;
	uint64_t found = 0;

	if ((eight & STARTS) == 0)
		return 0;
	if (__builtin_popcount(marks) > MARK_LIMIT / 2)
		return (eight & STARTS) << 4 & ~matches(eight, ALL_MARKS & ~marks);
	for (; marks != 0; marks &= marks - 1) {
		uint64_t wanted = GRANULE_IS_START | (uint64_t)__builtin_ctz(marks);
		uint64_t other =
			(eight & (GRANULE_IS_START | GRANULE_MARK) * ones) ^ (wanted * ones);

		found |= ~(other + lows) & ~lows;
	}
	return found;
}

static void walk_granules(const struct index_leaf *leaf, uint32_t chunk_number, uint32_t marks,
			  bool is_backwards, indexed_block_visitor *visit, void *context)
{
	const uint8_t *granules = leaf->chunks[chunk_number].granules;
	uint64_t addr = (leaf->number << LIVE_TABLE_LEAF_BITS) +
			((uint64_t)chunk_number << INDEX_CHUNK_BITS);

	for (uint32_t i = 0; i < INDEX_CHUNK_GRANULES / 8; i++) {
		uint32_t first = 8 * (is_backwards ? INDEX_CHUNK_GRANULES / 8 - 1 - i : i);
		uint64_t eight, found;

		__builtin_memcpy(&eight, &granules[first], sizeof(eight));
		found = matches(eight, marks);
		while (found != 0) {
			uint32_t bit = (uint32_t)(is_backwards ? 63 - __builtin_clzll(found)
							       : __builtin_ctzll(found));
			uint8_t byte = granules[first + bit / 8];

			found &= ~(1ull << bit);
			/* The visitor may have changed it meanwhile. */
			if ((marks >> (byte & GRANULE_MARK) & 1) != 0)
				visit((addr + (first + bit / 8) * 32ull) >> 3 |
					      (byte >> GRANULE_OFFSET_SHIFT & 3),
				      context);
		}
	}
}

static void walk_small(struct block_index *index, uint32_t marks, bool is_backwards,
		       indexed_block_visitor *visit, void *context)
{
	for (uint32_t i = 0; i < index->leaf_count * INDEX_LEAF_CHUNKS; i++) {
		uint32_t number = is_backwards ? index->leaf_count * INDEX_LEAF_CHUNKS - 1 - i : i;
		const struct index_leaf *leaf = &index->leafs[number / INDEX_LEAF_CHUNKS];

		if (leaf->chunks[number % INDEX_LEAF_CHUNKS].granules != NULL)
			walk_granules(leaf, number % INDEX_LEAF_CHUNKS, marks, is_backwards, visit,
				      context);
	}
}

static void walk_side(struct block_index *index, uint32_t marks, bool is_backwards,
		      indexed_block_visitor *visit, void *context)
{
	for (uint64_t i = 0; i < index->side_count; i++) {
		uint64_t place = is_backwards ? index->side_count - 1 - i : i;

		if ((marks >> index->side[place].mark & 1) != 0)
			visit(BLOCK_REF_IS_SIDE | place, context);
	}
}

void block_index_walk(struct block_index *index, uint32_t marks, bool is_backwards,
		      indexed_block_visitor *visit, void *context)
{
	uint64_t count = 0;

	for (uint32_t mark = 0; mark < MARK_LIMIT; mark++)
		count += (marks >> mark & 1) != 0 ? index->marked[mark] : 0;
	if (count == 0)
		return;
	if (is_backwards)
		walk_side(index, marks, true, visit, context);
	walk_small(index, marks, is_backwards, visit, context);
	if (!is_backwards)
		walk_side(index, marks, false, visit, context);
}
