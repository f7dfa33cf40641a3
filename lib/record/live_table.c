/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_table: every block that has not been freed yet, found by its address.
 *
 * One 8-byte word for every 32 bytes of heap, found by address arithmetic: glibc's smallest chunk
 * is 32 bytes, so two of its blocks never share a word. A word belongs to whoever owns the block,
 * so writing it needs no lock and no atomic instruction. Words lie in leaves of 16 MiB, one for
 * each 64 MiB of address space, mapped when first used; their pages appear as the heap grows.
 *
 * Blocks of 1 KiB and more, blocks that share a granule (other allocators' small classes) and odd
 * addresses go to the side table.
 *
 *   Runs in   the target, inside malloc and free; walked by the helper
 *   Locks     none; the side table has its own
 *   Memory    region: 16 MiB of address space for the root, 16 MiB for each leaf; kept on fork
 *   Calls     mmap; what region calls to gather pages
 *   Failure   the block is not recorded and counted as lost
 */
#include "lib/record/live_table.h"

#include <stddef.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/record/side_table.h"

#include "lib/base/poison.h"

uint64_t **live_table_root;

/* The leaves that exist, for a walk: looking through the root would touch all its pages. */
#define LEAVES_MAX 65536u		  /* 4 TiB of heap */
static uint32_t leaf_numbers[LEAVES_MAX]; /* index in the root + 1; 0: just being added */
static _Atomic(uint32_t) leaf_count;
#define THREADS_ADDING_MAX 4096u /* who may be past the test of the limit at the same time */

bool live_table_start(void)
{
	live_table_root =
		region_map(LIVE_TABLE_LEAVES * sizeof(*live_table_root), REGION_KEPT_ON_FORK);
	return live_table_root != NULL;
}

static uint64_t word_of(uint64_t addr, const struct live_block *block)
{
	return live_word_of(addr, block->bytes, block->stack, block->epoch, block->kind);
}

static struct live_block block_of(uint64_t word)
{
	return (struct live_block){
		.kind = word & (BLOCK_KIND_LIMIT - 1),
		.bytes = live_word_bytes(word),
		.epoch = live_word_epoch(word),
		.stack = live_word_stack(word),
	};
}

static bool is_at(uint64_t word, uint64_t addr)
{
	return word != 0 && (word >> LIVE_WORD_OFFSET_SHIFT & 3) == live_word_offset(addr);
}

static __attribute__((noinline)) uint64_t *word_at_slow(uint64_t addr)
{
	uint64_t *none = NULL, *leaf;

	if (addr >> LIVE_TABLE_ADDRESS_BITS != 0 || addr % 8 != 0 ||
	    atomic_load_explicit(&leaf_count, memory_order_relaxed) >=
		    LEAVES_MAX - THREADS_ADDING_MAX)
		return NULL;
	leaf = region_map(LIVE_TABLE_LEAF_WORDS * sizeof(*leaf), REGION_KEPT_ON_FORK);
	if (leaf == NULL)
		return NULL;
	if (!__atomic_compare_exchange_n(&live_table_root[addr >> LIVE_TABLE_LEAF_BITS], &none,
					 leaf, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		region_unmap(leaf, LIVE_TABLE_LEAF_WORDS * sizeof(*leaf));
	else
		__atomic_store_n(&leaf_numbers[atomic_fetch_add(&leaf_count, 1)],
				 (uint32_t)(addr >> LIVE_TABLE_LEAF_BITS) + 1, __ATOMIC_RELEASE);
	return live_table_word(addr);
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

bool live_table_has_neighbours = true;

/* Stores a word where none was. Where two blocks may lie in one granule, two threads may be storing
 * the words of theirs. */
static bool claim(uint64_t *word, uint64_t value)
{
	uint64_t none = 0;

	if (__builtin_expect(live_table_has_neighbours, 0))
		return __atomic_compare_exchange_n(word, &none, value, false, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	store(word, value);
	return true;
}

enum live_table_added live_table_add(const struct guard *guard, uint64_t addr,
				     const struct live_block *block, struct live_block *old)
{
	uint64_t *word = live_table_word(addr);
	enum live_table_added added = LIVE_TABLE_ADDED;

	if (__builtin_expect(block->bytes < LIVE_WORD_BYTES_LIMIT, 1)) {
		if (__builtin_expect(word == NULL, 0))
			word = word_at_slow(addr);
		if (__builtin_expect(word != NULL && load(word) == 0, 1) &&
		    claim(word, word_of(addr, block)))
			return LIVE_TABLE_ADDED;
	}
	if (word != NULL && is_at(load(word), addr)) {
		*old = block_of(load(word));
		added = LIVE_TABLE_REPLACED;
		store(word, block->bytes < LIVE_WORD_BYTES_LIMIT ? word_of(addr, block) : 0);
		if (block->bytes < LIVE_WORD_BYTES_LIMIT)
			return added;
	}
	switch (side_table_add(guard, addr, block, old)) {
	case SIDE_TABLE_ADDED:
		return added;
	case SIDE_TABLE_REPLACED:
		return LIVE_TABLE_REPLACED;
	default:
		return LIVE_TABLE_LOST;
	}
}

bool live_table_has(uint64_t addr)
{
	const uint64_t *word = live_table_word(addr);

	return word != NULL && is_at(load(word), addr);
}

bool live_table_remove(const struct guard *guard, uint64_t addr, struct live_block *block)
{
	uint64_t *word = live_table_word(addr);

	if (__builtin_expect(word != NULL, 1)) {
		uint64_t value = load(word);

		if (__builtin_expect(is_at(value, addr), 1)) {
			store(word, 0);
			*block = block_of(value);
			return true;
		}
	}
	return side_table_remove(guard, addr, block);
}

void live_table_ask(uint64_t addr)
{
	uint64_t *word = live_table_word(addr);

	if (word != NULL && is_at(load(word), addr))
		store(word, load(word) | BLOCK_IS_ASKED);
}

/* As long as nobody else changes the word. */
static bool ignore_word(uint64_t *word, uint64_t value)
{
	uint64_t ignored = value & ~(uint64_t)BLOCK_KIND_MASK;

	return __atomic_compare_exchange_n(word, &value, ignored, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

bool live_table_ignore(const struct guard *guard, uint64_t addr)
{
	const uint64_t granule_bytes = 1u << LIVE_TABLE_GRANULE_BITS;
	uint64_t granule = addr & ~(granule_bytes - 1);

	for (uint64_t i = 0; i <= LIVE_WORD_BYTES_LIMIT / granule_bytes; i++) {
		uint64_t *word = live_table_word(granule - i * granule_bytes);
		uint64_t value = word == NULL ? 0 : load(word), start;

		if (value == 0)
			continue;
		start = granule - i * granule_bytes + (value >> LIVE_WORD_OFFSET_SHIFT & 3) * 8;
		if (addr == start || (addr > start && addr - start < live_word_bytes(value)))
			return ignore_word(word, value);
	}
	return side_table_ignore(guard, addr);
}

void live_table_gather_pages(void)
{
	bool is_possible = true;

	for (uint32_t i = 0;
	     is_possible && i < atomic_load_explicit(&leaf_count, memory_order_acquire); i++) {
		uint64_t index = __atomic_load_n(&leaf_numbers[i], __ATOMIC_ACQUIRE);

		if (index != 0)
			is_possible = region_gather_pages(live_table_root[index - 1],
							  LIVE_TABLE_LEAF_WORDS * sizeof(uint64_t));
	}
}

/* A leaf page that was never touched is all zeros; reading it would still cost a page fault and a
 * page table entry, and most pages of a sparse heap are such. The kernel's page map tells which
 * pages exist (in memory or in swap); where it cannot be read, all are looked at. */
#define PAGE_BYTES 4096u
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
#define LEAF_PAGES (LIVE_TABLE_LEAF_WORDS / PAGE_WORDS)
#define PAGEMAP_EXISTS                                                                             \
	(3ull << 62) /* present or swapped; Documentation/admin-guide/mm/pagemap.rst */

static void walk_page(const uint64_t *words, uint64_t addr, live_block_visitor *visit,
		      void *context)
{
	for (uint32_t i = 0; i < PAGE_WORDS; i++) {
		uint64_t value = load(&words[i]);
		struct live_block block;

		if (value == 0)
			continue;
		block = block_of(value);
		visit(addr + (uint64_t)i * (1u << LIVE_TABLE_GRANULE_BITS) +
			      (value >> LIVE_WORD_OFFSET_SHIFT & 3) * 8,
		      &block, context);
	}
}

static void walk_leaf(long pagemap, const uint64_t *leaf, uint64_t addr,
		      live_table_filter *is_wanted, live_block_visitor *visit, void *context)
{
	const uint64_t page_reach = (uint64_t)PAGE_WORDS << LIVE_TABLE_GRANULE_BITS;
	static uint64_t exists[LEAF_PAGES]; /* one walk at a time */
	long got = -1;

	if (pagemap >= 0)
		got = sys_call(SYS_pread64, pagemap, exists, sizeof(exists),
			       (uint64_t)leaf / PAGE_BYTES * sizeof(uint64_t));
	for (uint32_t page = 0; page < LEAF_PAGES; page++, addr += page_reach) {
		if (got == (long)sizeof(exists) && (exists[page] & PAGEMAP_EXISTS) == 0)
			continue;
		if (is_wanted == NULL || is_wanted(addr, page_reach, context))
			walk_page(leaf + page * PAGE_WORDS, addr, visit, context);
	}
}

void live_table_walk_words(live_table_filter *is_wanted, live_block_visitor *visit, void *context)
{
	long pagemap =
		sys_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);

	for (uint32_t i = 0; i < atomic_load_explicit(&leaf_count, memory_order_acquire); i++) {
		uint64_t index = __atomic_load_n(&leaf_numbers[i], __ATOMIC_ACQUIRE);

		if (index != 0)
			walk_leaf(pagemap, live_table_root[index - 1],
				  (index - 1) << LIVE_TABLE_LEAF_BITS, is_wanted, visit, context);
	}
	if (pagemap >= 0)
		sys_call(SYS_close, pagemap);
}

void live_table_walk_some(live_table_filter *is_wanted, live_block_visitor *visit, void *context)
{
	live_table_walk_words(is_wanted, visit, context);
	side_table_walk(visit, context);
}

void live_table_walk(live_block_visitor *visit, void *context)
{
	live_table_walk_some(NULL, visit, context);
}
