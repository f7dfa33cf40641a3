/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_fill: how live blocks fill the pages that they lie on.
 *
 * Four bytes a page, a thousandth of the heap. A MiB that one block covers needs none. Blocks that lie
 * side by side come one after the other, so nearly all find their MiB where the last one was.
 *
 * The program goes on meanwhile, so blocks may seem to overlap: a page is never filled to more than
 * a page.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    scratch: 1 KiB for each MiB with a live block; at most 256 MiB
 *   Calls     mmap, munmap
 *   Failure   is_failed: nothing is known
 */
#include "lib/snapshot/page_fill.h"

#include <stddef.h>

#include "lib/base/invariant.h"
#include "lib/base/scratch.h"

#include "lib/base/poison.h"

#define CHUNK_BYTES (1ull << PAGE_FILL_CHUNK_BITS)
#define FIRST_UNITS 64u
#define UNITS_MAX 16384u /* 1 TiB of address space with blocks in it */
#define FIRST_CHUNKS 64u
#define CHUNKS_MAX (256u << 10)
#define NO_CHUNK UINT64_MAX
#define LARGE_BYTES 1024u /* those come out of the side table, which is in no order */
/* glibc gives a block a mapping of its own when it is this large, or larger; the block begins behind
 * the header, and on a small boundary when an alignment was asked for. */
#define OWN_MAPPING_BYTES (32u << 10)
#define OWN_MAPPING_OFFSET 64u

/* A MiB that one block covers. Never written. */
static struct page_filled covered[PAGE_FILL_CHUNK_PAGES] = {
	[0 ... PAGE_FILL_CHUNK_PAGES - 1] = {.bytes = PAGE_FILL_BYTES, .blocks = 1}};

static uint64_t hash_of(uint64_t number)
{
	uint64_t hash = number * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

void page_fill_start(struct page_fill *fill, bool is_packed, bool is_sampled)
{
	*fill = (struct page_fill){
		.is_packed = is_packed, .is_sampled = is_sampled, .last_chunk = NO_CHUNK};
}

static bool grow(struct page_fill *fill)
{
	uint32_t room = fill->unit_room == 0 ? FIRST_UNITS : fill->unit_room * 2;
	struct page_unit *units = NULL;
	uint32_t *slots = NULL;

	if (room <= UNITS_MAX) {
		units = scratch_map(room * sizeof(*units));
		slots = scratch_map(2 * room * sizeof(*slots));
	}
	if (units == NULL || slots == NULL) {
		if (units != NULL)
			scratch_unmap(units, room * sizeof(*units));
		if (slots != NULL)
			scratch_unmap(slots, 2 * room * sizeof(*slots));
		fill->is_failed = true;
		return false;
	}
	for (uint32_t i = 0; i < fill->unit_count; i++) {
		uint64_t slot = hash_of(fill->units[i].number);

		units[i] = fill->units[i];
		while (slots[slot & (2 * room - 1)] != 0)
			slot++;
		slots[slot & (2 * room - 1)] = i + 1;
	}
	if (fill->units != NULL) {
		scratch_unmap(fill->units, fill->unit_room * sizeof(*units));
		scratch_unmap(fill->slots, 2 * fill->unit_room * sizeof(*slots));
	}
	fill->units = units;
	fill->slots = slots;
	fill->unit_room = room;
	return true;
}

/* Where the unit stands in the hash, or would. */
static uint32_t *slot_of(const struct page_fill *fill, uint64_t number)
{
	uint32_t mask = 2 * fill->unit_room - 1;
	uint64_t slot = hash_of(number);

	while (fill->slots[slot & mask] != 0 &&
	       fill->units[fill->slots[slot & mask] - 1].number != number)
		slot++;
	return &fill->slots[slot & mask];
}

const struct page_unit *page_fill_unit(const struct page_fill *fill, uint64_t addr)
{
	uint32_t index;

	if (fill->unit_count == 0)
		return NULL;
	index = *slot_of(fill, addr >> PAGE_FILL_UNIT_BITS);
	return index == 0 ? NULL : &fill->units[index - 1];
}

const struct page_filled *page_fill_chunk(const struct page_fill *fill, uint64_t addr)
{
	const struct page_unit *unit = page_fill_unit(fill, addr);

	return unit == NULL
		       ? NULL
		       : unit->chunks[addr >> PAGE_FILL_CHUNK_BITS & (PAGE_FILL_UNIT_CHUNKS - 1)];
}

static struct page_unit *unit_at(struct page_fill *fill, uint64_t addr)
{
	uint64_t number = addr >> PAGE_FILL_UNIT_BITS;
	uint32_t *slot;

	if (fill->unit_count == fill->unit_room && !grow(fill))
		return NULL;
	slot = slot_of(fill, number);
	if (*slot == 0) {
		fill->units[fill->unit_count].number = number;
		*slot = ++fill->unit_count;
	}
	return &fill->units[*slot - 1];
}

static struct page_filled **chunk_at(struct page_unit *unit, uint64_t addr)
{
	return &unit->chunks[addr >> PAGE_FILL_CHUNK_BITS & (PAGE_FILL_UNIT_CHUNKS - 1)];
}

static size_t piece_bytes(uint32_t piece)
{
	return ((size_t)FIRST_CHUNKS << piece) * PAGE_FILL_CHUNK_PAGES * sizeof(struct page_filled);
}

/* Memory for the pages of one more MiB. */
static struct page_filled *new_chunk(struct page_fill *fill)
{
	uint32_t index = fill->chunk_count / FIRST_CHUNKS + 1, piece = 31;
	uint32_t before;

	if (fill->chunk_count == CHUNKS_MAX) {
		fill->is_failed = true;
		return NULL;
	}
	while ((index & 1u << piece) == 0)
		piece--;
	before = ((1u << piece) - 1) * FIRST_CHUNKS;
	if (fill->pieces[piece] == NULL)
		fill->pieces[piece] = scratch_map(piece_bytes(piece));
	if (fill->pieces[piece] == NULL) {
		fill->is_failed = true;
		return NULL;
	}
	INVARIANT(fill->chunk_count - before < FIRST_CHUNKS << piece, fill->chunk_count, piece);
	return fill->pieces[piece] + (size_t)(fill->chunk_count++ - before) * PAGE_FILL_CHUNK_PAGES;
}

/* Of one block, what lies in one MiB. */
static void add_part(struct page_fill *fill, uint64_t addr, uint64_t bytes, uint64_t rest,
		     bool is_pooled)
{
	struct page_unit *unit = unit_at(fill, addr);
	struct page_filled **chunk, *page;

	if (unit == NULL)
		return;
	INVARIANT(addr % CHUNK_BYTES + bytes <= CHUNK_BYTES, addr, bytes);
	unit->is_pooled |= is_pooled;
	chunk = chunk_at(unit, addr);
	if (bytes == CHUNK_BYTES)
		*chunk = covered;
	if (*chunk == covered)
		return;
	if (*chunk == NULL)
		*chunk = new_chunk(fill);
	if (*chunk == NULL)
		return;
	if (is_pooled) {
		fill->last_chunk = addr >> PAGE_FILL_CHUNK_BITS;
		fill->last_pages = *chunk;
	}
	for (;;) {
		uint64_t part = PAGE_FILL_BYTES - addr % PAGE_FILL_BYTES;

		page = &(*chunk)[page_fill_index(addr)];
		part = part < bytes ? part : bytes;
		bytes -= part;
		page_filled_add(page, bytes == 0 ? part + rest : part);
		page->is_pooled |= is_pooled;
		if (bytes == 0)
			return;
		addr += part;
	}
}

static bool has_own_mapping(const struct page_fill *fill, uint64_t addr, uint64_t bytes)
{
	return !fill->is_sampled && bytes >= OWN_MAPPING_BYTES &&
	       addr % PAGE_FILL_BYTES <= OWN_MAPPING_OFFSET;
}

static void add(struct page_fill *fill, uint64_t addr, uint64_t bytes)
{
	uint64_t rest = page_fill_occupied(fill, bytes) - bytes;
	bool is_pooled = !has_own_mapping(fill, addr, bytes);

	/* So large that its MiBs alone are too many, or no block at all. */
	if (bytes > (uint64_t)UNITS_MAX << PAGE_FILL_UNIT_BITS || addr + bytes < addr)
		fill->is_failed = true;
	fill->last_chunk = NO_CHUNK;
	do {
		uint64_t part = CHUNK_BYTES - addr % CHUNK_BYTES;

		part = part < bytes ? part : bytes;
		if (!fill->is_failed)
			add_part(fill, addr, part, part == bytes ? rest : 0, is_pooled);
		addr += part;
		bytes -= part;
	} while (bytes > 0 && !fill->is_failed);
}

/* The page of a large block is hardly ever in the processor's caches: it waits until it has come. */
void page_fill_add_slow(struct page_fill *fill, uint64_t addr, uint64_t bytes)
{
	struct page_fill_block *place = &fill->waiting[fill->next_waiting];
	const struct page_filled *pages;
	struct page_fill_block before;

	if (bytes < LARGE_BYTES) {
		add(fill, addr, bytes);
		return;
	}
	pages = page_fill_chunk(fill, addr);
	if (pages != NULL)
		__builtin_prefetch(&pages[page_fill_index(addr)], 1);
	before = *place;
	*place = (struct page_fill_block){addr, bytes};
	fill->next_waiting = (fill->next_waiting + 1) % PAGE_FILL_WAITING;
	if (before.bytes != 0)
		add(fill, before.addr, before.bytes);
}

static bool has_sparse_page(const struct page_filled *pages)
{
	for (uint32_t i = 0; i < PAGE_FILL_CHUNK_PAGES; i++)
		if (page_is_sparse(pages[i]))
			return true;
	return false;
}

static void find_sparse_chunks(struct page_unit *unit)
{
	unit->sparse_chunks = 0;
	for (uint32_t i = 0; i < PAGE_FILL_UNIT_CHUNKS; i++)
		if (unit->chunks[i] != NULL && has_sparse_page(unit->chunks[i]))
			unit->sparse_chunks |= 1ull << i;
}

void page_fill_finish(struct page_fill *fill)
{
	for (uint32_t i = 0; i < PAGE_FILL_WAITING; i++) {
		struct page_fill_block *block = &fill->waiting[i];

		if (block->bytes != 0)
			add(fill, block->addr, block->bytes);
		block->bytes = 0;
	}
	fill->has_sparse_pages = false;
	for (uint32_t i = 0; i < fill->unit_count; i++) {
		find_sparse_chunks(&fill->units[i]);
		fill->has_sparse_pages |= fill->units[i].sparse_chunks != 0;
	}
}

void page_fill_release(struct page_fill *fill)
{
	if (fill->units != NULL) {
		scratch_unmap(fill->units, fill->unit_room * sizeof(*fill->units));
		scratch_unmap(fill->slots, 2 * fill->unit_room * sizeof(*fill->slots));
	}
	for (uint32_t piece = 0; piece < sizeof(fill->pieces) / sizeof(fill->pieces[0]); piece++)
		if (fill->pieces[piece] != NULL)
			scratch_unmap(fill->pieces[piece], piece_bytes(piece));
	*fill = (struct page_fill){.last_chunk = NO_CHUNK};
}
