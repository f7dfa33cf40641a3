/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_fill: how live blocks fill the pages that they lie on.
 *
 * A page is 4 KiB of address space. A block fills what the allocator rounds it up to; one that spans
 * pages fills each with its part.
 */
#ifndef LIB_SNAPSHOT_PAGE_FILL_H
#define LIB_SNAPSHOT_PAGE_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_FILL_BITS 12
#define PAGE_FILL_BYTES (1u << PAGE_FILL_BITS)
#define PAGE_FILL_CHUNK_BITS 20 /* pages are noted by the MiB */
#define PAGE_FILL_CHUNK_PAGES (1u << (PAGE_FILL_CHUNK_BITS - PAGE_FILL_BITS))
#define PAGE_FILL_UNIT_BITS 26 /* and MiBs by 64: as far as an arena of glibc's reaches */
#define PAGE_FILL_UNIT_CHUNKS (1u << (PAGE_FILL_UNIT_BITS - PAGE_FILL_CHUNK_BITS))

struct page_filled {
	uint32_t bytes : 13;	/* not beyond a page */
	uint32_t blocks : 18;	/* 0: no live block lies here */
	uint32_t is_pooled : 1; /* one of them shares its mapping with others */
};

/* A page that is filled to less than half: what is free of it, its blocks keep from being used for
 * anything else. */
static inline bool page_is_sparse(struct page_filled page)
{
	return page.blocks > 0 && page.bytes < PAGE_FILL_BYTES / 2;
}

struct page_unit {
	uint64_t number;
	uint64_t sparse_chunks; /* bits: those with a sparse page; when finished */
	bool is_pooled;		/* some of its pages are */
	struct page_filled *chunks[PAGE_FILL_UNIT_CHUNKS]; /* null: no live block */
};

#define PAGE_FILL_WAITING 16u

struct page_fill_block {
	uint64_t addr, bytes; /* 0 bytes: none */
};

struct page_fill {
	struct page_unit *units;
	uint32_t *slots; /* hash of units: index + 1 */
	uint32_t unit_count, unit_room;
	struct page_filled *pieces[16]; /* memory of the chunks, each twice as large */
	uint32_t chunk_count;
	uint64_t last_chunk; /* the last one that something pooled was added to */
	struct page_filled *last_pages;
	struct page_fill_block waiting[PAGE_FILL_WAITING]; /* are added a little later */
	uint32_t next_waiting;
	bool has_sparse_pages; /* when finished */
	bool is_packed;	       /* the allocator adds no header to a block */
	bool is_sampled;       /* not all blocks are known: no mapping is a block's own */
	bool is_failed;	       /* no memory, or not wanted: what is here is not complete */
};

/* Start, add all blocks, finish; then it may be read. Release the result in any case. */
void page_fill_start(struct page_fill *fill, bool is_packed, bool is_sampled);
void page_fill_finish(struct page_fill *fill);
void page_fill_release(struct page_fill *fill);

void page_fill_add_slow(struct page_fill *fill, uint64_t addr, uint64_t bytes);

/* The 256 pages of the MiB at `addr`; null: no live block lies there. */
const struct page_filled *page_fill_chunk(const struct page_fill *fill, uint64_t addr);

/* The unit that `addr` lies in; null: no live block does. */
const struct page_unit *page_fill_unit(const struct page_fill *fill, uint64_t addr);

/* Which of the pages of a MiB the one at `addr` is. */
static inline uint32_t page_fill_index(uint64_t addr)
{
	return addr >> PAGE_FILL_BITS & (PAGE_FILL_CHUNK_PAGES - 1);
}

/* What a block takes of the heap, with the room that is lost to rounding and to glibc's header. */
static inline uint64_t page_fill_occupied(const struct page_fill *fill, uint64_t bytes)
{
	if (fill->is_packed)
		return bytes == 0 ? 8 : (bytes + 7) & ~7ull;
	return bytes <= 24 ? 32 : (bytes + 8 + 15) & ~15ull;
}

static inline void page_filled_add(struct page_filled *page, uint64_t bytes)
{
	uint64_t filled = page->bytes + bytes;

	page->bytes = filled > PAGE_FILL_BYTES ? PAGE_FILL_BYTES : (uint32_t)filled;
	page->blocks++;
}

/* Leaves for blocks on more than one page, and those in another MiB than the last. */
static inline void page_fill_add(struct page_fill *fill, uint64_t addr, uint64_t bytes)
{
	struct page_filled *page;

	if (__builtin_expect(addr >> PAGE_FILL_CHUNK_BITS != fill->last_chunk ||
				     (addr & (PAGE_FILL_BYTES - 1)) + bytes > PAGE_FILL_BYTES,
			     0)) {
		page_fill_add_slow(fill, addr, bytes);
		return;
	}
	page = &fill->last_pages[page_fill_index(addr)];
	page_filled_add(page, page_fill_occupied(fill, bytes));
	page->is_pooled = true;
}

#endif
