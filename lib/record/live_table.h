/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_table: every block that has not been freed yet, found by its address.
 */
#ifndef LIB_RECORD_LIVE_TABLE_H
#define LIB_RECORD_LIVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/thread_state.h"

bool live_table_start(void);

/* False when the allocator never puts two blocks into the same 32 bytes, as glibc's does not. */
extern bool live_table_has_neighbours;

enum live_table_added {
	LIVE_TABLE_ADDED,
	LIVE_TABLE_REPLACED, /* a block of this address was still there: its free was not seen */
	LIVE_TABLE_LOST,     /* no memory, or a lock that this signal handler interrupted */
};

/* The caller owns the block at `addr`: the allocator has just given it to this thread.
 * On LIVE_TABLE_REPLACED *old is what was there. A large block whose free was not seen is not
 * noticed when a small one follows it; it stays in the table. */
enum live_table_added live_table_add(const struct guard *guard, uint64_t addr,
				     const struct live_block *block, struct live_block *old);

/* Forgets the block, before the real free: once free returns, another thread may own the address.
 * False when no block begins at `addr`. */
bool live_table_remove(const struct guard *guard, uint64_t addr, struct live_block *block);

/* True when a block without an entry in the side table begins at `addr`; for one that this thread owns. */
bool live_table_has(uint64_t addr);

/* Makes the block at `addr`, which this thread owns, one that is BLOCK_IS_ASKED, unless it lies in the side
 * table. */
void live_table_ask(uint64_t addr);

/* Makes the block at or around `addr`, of which the program has a hold, one that is BLOCK_IGNORED. False when
 * there is none. */
bool live_table_ignore(const struct guard *guard, uint64_t addr);

/* Makes huge pages of those parts of the table that are in use nearly everywhere: a copy of the process
 * then has less to copy. The program goes on meanwhile. */
void live_table_gather_pages(void);

/* Visits every block. Threads may go on meanwhile: what is added or removed during the walk may be
 * seen or not. One walk at a time. */
void live_table_walk(live_block_visitor *visit, void *context);

/* The same, but small blocks only where it is wanted: asked for each `bytes` bytes of heap, a few pages,
 * in which small blocks have been. */
typedef bool live_table_filter(uint64_t addr, uint64_t bytes, void *context);
void live_table_walk_some(live_table_filter *is_wanted, live_block_visitor *visit, void *context);

/* Only those that have a word in the table, by rising address within 64 MiB. Without a filter: all. */
void live_table_walk_words(live_table_filter *is_wanted, live_block_visitor *visit, void *context);

/*
 * The halves of adding and removing that nearly every block takes, inline. They leave, and the
 * functions above do it from the start, for blocks of 1 KiB and more, in a leaf that is not mapped
 * yet, where a block is still recorded, or to remove one that is BLOCK_IS_ASKED.
 */

/* The word: kind 3 | offset in the granule / 8, 2 | bytes 10 | epoch 18 | stack 30. 0 means none. */
#define LIVE_WORD_OFFSET_SHIFT 3
#define LIVE_WORD_BYTES_SHIFT 5
#define LIVE_WORD_EPOCH_SHIFT 15
#define LIVE_WORD_STACK_SHIFT 33
#define LIVE_WORD_BYTES_LIMIT 1024u

#define LIVE_TABLE_GRANULE_BITS 5
#define LIVE_TABLE_LEAF_BITS 26 /* 64 MiB */
#define LIVE_TABLE_LEAF_WORDS (1u << (LIVE_TABLE_LEAF_BITS - LIVE_TABLE_GRANULE_BITS))
#define LIVE_TABLE_ADDRESS_BITS 47
#define LIVE_TABLE_LEAVES (1u << (LIVE_TABLE_ADDRESS_BITS - LIVE_TABLE_LEAF_BITS))

extern uint64_t **live_table_root __attribute__((visibility("hidden")));

static inline uint64_t live_word_offset(uint64_t addr)
{
	return addr >> 3 & 3;
}

static inline uint64_t live_word_of(uint64_t addr, uint64_t bytes, uint32_t stack, uint32_t epoch,
				    enum block_kind kind)
{
	return (uint64_t)kind | live_word_offset(addr) << LIVE_WORD_OFFSET_SHIFT |
	       bytes << LIVE_WORD_BYTES_SHIFT | (uint64_t)epoch << LIVE_WORD_EPOCH_SHIFT |
	       (uint64_t)stack << LIVE_WORD_STACK_SHIFT;
}

static inline uint32_t live_word_bytes(uint64_t word)
{
	return word >> LIVE_WORD_BYTES_SHIFT & (LIVE_WORD_BYTES_LIMIT - 1);
}

static inline uint32_t live_word_stack(uint64_t word)
{
	return (uint32_t)(word >> LIVE_WORD_STACK_SHIFT & ((1u << 30) - 1));
}

static inline uint32_t live_word_epoch(uint64_t word)
{
	return word >> LIVE_WORD_EPOCH_SHIFT & LIVE_BLOCK_EPOCH_MAX;
}

/* Where the word of an address is; null where there is none, or for an address that has none. */
static inline uint64_t *live_table_word(uint64_t addr)
{
	uint64_t *leaf;

	/* Rotated by three: an address that is no multiple of 8 is too high, too. */
	if (__builtin_expect((addr >> 3 | addr << 61) >> (LIVE_TABLE_ADDRESS_BITS - 3) != 0, 0))
		return NULL;
	leaf = __atomic_load_n(&live_table_root[addr >> LIVE_TABLE_LEAF_BITS], __ATOMIC_ACQUIRE);
	if (__builtin_expect(leaf == NULL, 0))
		return NULL;
	return &leaf[addr >> LIVE_TABLE_GRANULE_BITS & (LIVE_TABLE_LEAF_WORDS - 1)];
}

/* Soon live_table_add_fast will want this address: its word is not in the processor's caches, and can
 * come while the stack is captured. */
static inline void live_table_expect_add(uint64_t addr)
{
	const uint64_t *leaf = __atomic_load_n(
		&live_table_root[addr >> LIVE_TABLE_LEAF_BITS & (LIVE_TABLE_LEAVES - 1)],
		__ATOMIC_RELAXED);

	__builtin_prefetch(&leaf[addr >> LIVE_TABLE_GRANULE_BITS & (LIVE_TABLE_LEAF_WORDS - 1)], 1);
}

/* Whether no block is recorded in a word that this thread may write. Where the processor can, it looks
 * by an instruction that writes: a page that is read first is the kernel's page of zeros, and is
 * replaced at the first write by a second fault, for which all other processors are interrupted. */
static inline bool live_word_is_free(uint64_t *word)
{
#ifdef __x86_64__
	bool is_free;

	__asm__ volatile("orq $0, %1" : "=@ccz"(is_free), "+m"(*word));
	return is_free;
#else
	return __atomic_load_n(word, __ATOMIC_RELAXED) == 0;
#endif
}

_Static_assert(LIVE_WORD_OFFSET_SHIFT == 3 && BLOCK_IS_ASKED == 1u << 2,
	       "address and word are compared where both have the offset");

static inline bool live_table_add_fast(uint64_t addr, uint64_t bytes, uint32_t stack,
				       uint32_t epoch, enum block_kind kind)
{
	uint64_t *word = live_table_word(addr), none = 0, value;

	if (__builtin_expect(bytes >= LIVE_WORD_BYTES_LIMIT || word == NULL, 0))
		return false;
	value = live_word_of(addr, bytes, stack, epoch, kind);
	/* Another thread may be storing the word of its block. */
	if (__builtin_expect(live_table_has_neighbours, 0))
		return __atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
		       __atomic_compare_exchange_n(word, &none, value, false, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	if (__builtin_expect(!live_word_is_free(word), 0))
		return false;
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
	return true;
}

/* The word that was there, or 0. */
static inline uint64_t live_table_remove_fast(uint64_t addr)
{
	uint64_t *word = live_table_word(addr), value;

	if (__builtin_expect(word == NULL, 0))
		return 0;
	value = __atomic_load_n(word, __ATOMIC_RELAXED);
	/* The offset, and in the bit before it, which of an address is 0, BLOCK_IS_ASKED. */
	if (__builtin_expect(value == 0 || ((value ^ addr) &
					    (3u << LIVE_WORD_OFFSET_SHIFT | BLOCK_IS_ASKED)) != 0,
			     0))
		return 0;
	__atomic_store_n(word, 0, __ATOMIC_RELAXED);
	return value;
}

#endif
