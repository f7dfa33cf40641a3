/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_live_table: what was added and not removed is there, and nothing else.
 *
 * Compared with a plain hash over random histories, and with threads that keep a part of their
 * blocks while another thread walks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/region.h"
#include "lib/record/live_table.h"
#include "tests/support/lib_block_model.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_huge_pages.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define LEAF_BYTES (64ull << 20)

/* Where blocks lie: inside a leaf, around the border between two, at both ends of what has a leaf,
 * and beyond it. */
static const uint64_t places[] = {
	0x555555560000ull,   5 * LEAF_BYTES - 2048, 77 * LEAF_BYTES - 2048, 0x10000ull,
	(1ull << 47) - 4096, 0x7f1234560000ull,	    0xff00000000000000ull,
};

static uint64_t some_address(struct lib_random *random, uint32_t spread)
{
	uint64_t place = places[lib_random_below(random, sizeof(places) / sizeof(places[0]))];
	uint64_t addr = place + lib_random_below(random, spread) * 8;

	/* Odd addresses are rare and allowed. */
	return lib_random_once_in(random, 50) ? addr + 1 + lib_random_below(random, 7) : addr;
}

static struct live_block some_block(struct lib_random *random)
{
	static const uint64_t sizes[] = {0,    1,    8,	   24,	 512,	     1022,
					 1023, 1024, 1025, 4096, 1ull << 20, 1ull << 40};

	return (struct live_block){
		.bytes = sizes[lib_random_below(random, sizeof(sizes) / sizeof(sizes[0]))],
		.stack = (uint32_t)lib_random_below(random, 1 << 30),
		.epoch = 1 + (uint32_t)lib_random_below(random, LIVE_BLOCK_EPOCH_MAX),
		.kind = 1 + (enum block_kind)lib_random_below(random, 3),
	};
}

static void assert_walk_equals(struct lib_block_model *model)
{
	lib_block_model_begin(model);
	live_table_walk(lib_block_model_visit, model);
	assert_true(lib_block_model_end(model));
}

static void remove_all(const struct guard *guard, struct lib_block_model *model,
		       const uint64_t *addresses, size_t count)
{
	struct live_block block;

	for (size_t i = 0; i < count; i++)
		if (lib_block_model_remove(model, addresses[i]))
			assert_true(live_table_remove(guard, addresses[i], &block));
	assert_walk_equals(model);
	lib_block_model_free(model);
}

/* A random history of `operations`. With `replaces` also adds where a small block was never removed. */
static void check_history(uint32_t spread, int operations, bool replaces)
{
	struct lib_random random = lib_random_start();
	struct lib_block_model model = {0};
	GUARD_SCOPE struct guard guard = guard_enter();
	uint64_t *used = calloc((size_t)operations, sizeof(*used));
	size_t used_count = 0;

	for (int i = 0; i < operations; i++) {
		uint64_t addr = some_address(&random, spread);
		struct live_block block = some_block(&random), old = {0}, expected;

		/* A large block that was not freed is only noticed by another large one, see the
		 * header; and where granules are shared, one may be where the other is not. */
		if (replaces) {
			addr -= addr % 32;
			block.bytes %= 1024;
		}
		bool is_there = lib_block_model_get(&model, addr, &expected);

		used[used_count++] = addr;
		if (is_there && (!replaces || lib_random_once_in(&random, 2))) {
			assert_true(live_table_remove(&guard, addr, &old));
			assert_true(lib_block_equal(&old, &expected));
			lib_block_model_remove(&model, addr);
			assert_false(live_table_remove(&guard, addr, &old));
		} else if (is_there) {
			enum live_table_added added = live_table_add(&guard, addr, &block, &old);

			lib_block_model_put(&model, addr, &block);
			assert_int_equal(added, LIVE_TABLE_REPLACED);
			assert_true(lib_block_equal(&old, &expected));
		} else if (lib_random_once_in(&random, 4)) {
			assert_false(live_table_remove(&guard, addr, &old));
		} else {
			assert_int_equal(live_table_add(&guard, addr, &block, &old),
					 LIVE_TABLE_ADDED);
			lib_block_model_put(&model, addr, &block);
		}
		if (lib_random_once_in(&random, (uint64_t)operations / 8))
			assert_walk_equals(&model);
	}
	assert_walk_equals(&model);
	remove_all(&guard, &model, used, used_count);
	free(used);
}

static void holds_what_was_added_and_not_removed(void **state)
{
	(void)state;
	check_history(40, 50000, false);
	check_history(20000, 200000, false);
}

static void replaces_a_block_whose_free_was_not_seen(void **state)
{
	(void)state;
	check_history(40, 50000, true);
	check_history(5000, 100000, true);
}

static void knows_nothing_of_addresses_never_used(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block;

	(void)state;
	assert_false(live_table_remove(&guard, 0, &block));
	assert_false(live_table_remove(&guard, 1, &block));
	assert_false(live_table_remove(&guard, 0x123456789000ull, &block));
	assert_false(live_table_remove(&guard, UINT64_MAX, &block));
}

/* ---- blocks that are no leak ------------------------------------------------------------------ */

#define OWN_PLACE 0x600000000000ull

static const struct {
	uint64_t addr, bytes;
	enum block_kind kind;
} own_blocks[] = {
	{OWN_PLACE + 16, 1000, BLOCK_MALLOC},
	{OWN_PLACE + 1040, 0, BLOCK_NEW},
	{OWN_PLACE + 1048, 8, BLOCK_ALIGNED}, /* in the granule of the one before */
	{OWN_PLACE + 2048, 100, BLOCK_NEW | BLOCK_IS_ASKED},
	{OWN_PLACE + 4096, 70000, BLOCK_MALLOC},
	{OWN_PLACE + 80003, 9, BLOCK_MALLOC},
};
#define OWN_BLOCKS (sizeof(own_blocks) / sizeof(own_blocks[0]))

static void note_kind(uint64_t addr, const struct live_block *block, void *kinds)
{
	for (uint32_t i = 0; i < OWN_BLOCKS; i++)
		if (own_blocks[i].addr == addr)
			((uint32_t *)kinds)[i] = block->kind;
}

static void the_block_at_or_around_an_address_is_ignored(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.stack = 5, .epoch = 1}, old;

	(void)state;
	for (uint32_t b = 0; b < OWN_BLOCKS; b++) {
		uint64_t into[] = {0, 1, own_blocks[b].bytes / 2, own_blocks[b].bytes - 1};

		for (uint32_t i = 0; i < 4 && (i == 0 || into[i] < own_blocks[b].bytes); i++) {
			uint32_t kinds[OWN_BLOCKS];

			for (uint32_t k = 0; k < OWN_BLOCKS; k++) {
				block.bytes = own_blocks[k].bytes;
				block.kind = own_blocks[k].kind;
				assert_int_equal(
					live_table_add(&guard, own_blocks[k].addr, &block, &old),
					LIVE_TABLE_ADDED);
			}
			assert_true(live_table_ignore(&guard, own_blocks[b].addr + into[i]));
			live_table_walk(note_kind, kinds);
			for (uint32_t k = 0; k < OWN_BLOCKS; k++) {
				uint32_t kind = own_blocks[k].kind;

				assert_int_equal(kinds[k], k == b ? kind & ~BLOCK_KIND_MASK : kind);
				assert_true(live_table_remove(&guard, own_blocks[k].addr, &old));
				assert_int_equal(old.bytes, own_blocks[k].bytes);
			}
		}
	}
	assert_false(live_table_ignore(&guard, own_blocks[0].addr));
	assert_false(live_table_ignore(&guard, 0));
	assert_false(live_table_ignore(&guard, UINT64_MAX));
}

static void behind_a_block_and_before_it_nothing_is_ignored(void **state)
{
	const uint64_t wrong[] = {OWN_PLACE,	    OWN_PLACE + 15,   OWN_PLACE + 1016,
				  OWN_PLACE + 2148, OWN_PLACE + 4095, OWN_PLACE + 74096};
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.stack = 5, .epoch = 1}, old;

	(void)state;
	for (uint32_t k = 0; k < OWN_BLOCKS; k++) {
		block.bytes = own_blocks[k].bytes;
		block.kind = BLOCK_MALLOC;
		live_table_add(&guard, own_blocks[k].addr, &block, &old);
	}
	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(live_table_ignore(&guard, wrong[i]));
	for (uint32_t k = 0; k < OWN_BLOCKS; k++) {
		assert_true(live_table_remove(&guard, own_blocks[k].addr, &old));
		assert_int_equal(old.kind, BLOCK_MALLOC);
	}
}

/* ---- threads ------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 400000
#define SLOTS_MAX 4096u
#define SHARED_PLACE 0x600000000000ull

/* How far apart the blocks of two threads lie, in bytes, and how many each may have. Few are used
 * again at once. */
static uint32_t spacing, slot_count;
static _Atomic(uint64_t) mistakes;
static uint8_t *kept; /* by slot: a block that stays until the end */

static uint64_t address_of(uint32_t slot, uint32_t thread)
{
	return SHARED_PLACE + ((uint64_t)slot * THREADS + thread) * spacing;
}

static bool is_mine(uint64_t addr)
{
	return addr >= SHARED_PLACE && addr < address_of(slot_count, 0);
}

/* All that is known of a block follows from its stack, so a mixture of two shows. */
static struct live_block block_numbered(uint32_t number)
{
	uint32_t sizes[] = {16, 600, 1023, 1024, 1500, 70000};

	return (struct live_block){.bytes = sizes[number % 6] + number % 7,
				   .stack = number,
				   .epoch = 1 + number % 1000,
				   .kind = 1 + (enum block_kind)(number % 3)};
}

static bool is_whole(const struct live_block *block)
{
	struct live_block expected = block_numbered(block->stack);

	return lib_block_equal(block, &expected);
}

struct torture {
	struct lib_random random;
	uint32_t live[SLOTS_MAX]; /* stack + 1 of what lies in the slot, 0: nothing */
};

static void add_and_remove(uint32_t number, void *threads)
{
	struct torture *self = (struct torture *)threads + number;
	GUARD_SCOPE struct guard guard = guard_enter();

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t slot = (uint32_t)lib_random_below(&self->random, slot_count);
		uint64_t addr = address_of(slot, number);
		struct live_block block, old;

		if (self->live[slot] == 0) {
			uint32_t stack = (uint32_t)lib_random_below(&self->random, 1 << 30);

			block = block_numbered(stack);
			if (live_table_add(&guard, addr, &block, &old) != LIVE_TABLE_ADDED)
				atomic_fetch_add(&mistakes, 1);
			self->live[slot] = stack + 1;
		} else if (kept[slot * THREADS + number] == 0) {
			if (!live_table_remove(&guard, addr, &block) ||
			    block.stack + 1 != self->live[slot] || !is_whole(&block))
				atomic_fetch_add(&mistakes, 1);
			self->live[slot] = 0;
		}
	}
}

struct watched {
	uint64_t walks, mixed, strangers, twice, missing;
	uint32_t *last_walk; /* by slot and thread */
};

static void watch(uint64_t addr, const struct live_block *block, void *context)
{
	struct watched *watched = context;
	uint64_t index = (addr - SHARED_PLACE) / spacing;

	if (!is_mine(addr) || (addr - SHARED_PLACE) % spacing != 0) {
		watched->strangers++;
		return;
	}
	watched->mixed += !is_whole(block);
	watched->twice += kept[index] && watched->last_walk[index] == watched->walks;
	watched->last_walk[index] = (uint32_t)watched->walks;
}

static void walk_once(struct watched *watched)
{
	watched->walks++;
	live_table_walk(watch, watched);
	for (uint32_t i = 0; i < slot_count * THREADS; i++)
		watched->missing += kept[i] && watched->last_walk[i] != watched->walks;
}

static void torture(uint32_t apart, uint32_t slots)
{
	struct lib_random random = lib_random_start();
	struct torture *threads = calloc(THREADS, sizeof(*threads));
	struct watched watched = {.last_walk = calloc(slots * THREADS, sizeof(uint32_t))};
	struct live_block block, old;
	struct lib_crowd crowd;

	slot_count = slots;
	kept = calloc(slot_count * THREADS, 1);
	spacing = apart;
	mistakes = 0;
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		for (uint32_t i = 0; i < slot_count * THREADS; i += 16) {
			uint32_t slot = i / THREADS, thread = i / 16 % THREADS;
			uint32_t stack = (uint32_t)lib_random_below(&random, 1 << 30);

			block = block_numbered(stack);
			kept[slot * THREADS + thread] = 1;
			threads[thread].live[slot] = stack + 1;
			assert_int_equal(
				live_table_add(&guard, address_of(slot, thread), &block, &old),
				LIVE_TABLE_ADDED);
		}
	}
	for (uint32_t i = 0; i < THREADS; i++)
		threads[i].random.state = lib_random_next(&random);
	lib_crowd_start(&crowd, THREADS, add_and_remove, threads);
	while (lib_crowd_is_running(&crowd))
		walk_once(&watched);
	lib_crowd_join(&crowd);
	print_message("          %u walks while %d threads went on\n", (unsigned)watched.walks,
		      THREADS);
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		for (uint32_t i = 0; i < slot_count * THREADS; i++) {
			uint32_t live = threads[i % THREADS].live[i / THREADS];
			bool is_there = live_table_remove(
				&guard, address_of(i / THREADS, i % THREADS), &block);

			mistakes +=
				is_there != (live != 0) || (is_there && block.stack + 1 != live);
		}
	}
	struct lib_block_model nothing = {0};
	assert_walk_equals(&nothing);
	assert_int_equal(mistakes, 0);
	assert_int_equal(watched.strangers, 0);
	assert_int_equal(watched.missing, 0);
	assert_int_equal(watched.twice, 0);
	assert_int_equal(watched.mixed, 0);
	free(watched.last_walk);
	free(threads);
	free(kept);
}

static void threads_do_not_disturb_each_other_nor_a_walk(void **state)
{
	(void)state;
	torture(32, 16);
	torture(32, SLOTS_MAX);
	torture(80, SLOTS_MAX);
}

/* Other allocators than glibc's have classes of 8 and 16 bytes and give neighbours to different
 * threads. */
static void threads_may_own_neighbours_in_one_granule(void **state)
{
	(void)state;
	torture(16, 16);
	torture(8, 16);
	torture(8, SLOTS_MAX);
}

/* A heap of small blocks without gaps takes all words of a part of the table. */
static void becomes_huge_pages_where_it_is_full(void **state)
{
	const uint64_t heap = 0x123440000000ull, heap_bytes = LEAF_BYTES / 2;
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 24, .stack = 7, .epoch = 3, .kind = 1}, found;
	const uint64_t *first, *last;

	(void)state;
	for (uint64_t at = 0; at < heap_bytes; at += 32)
		assert_int_equal(live_table_add(&guard, heap + at, &block, &found),
				 LIVE_TABLE_ADDED);
	first = live_table_word(heap);
	last = live_table_word(heap + heap_bytes - 32);
	assert_int_equal(lib_huge_pages_in(first, 4), 0);
	live_table_gather_pages();
	for (uint64_t at = 0; at < heap_bytes; at += 32) {
		assert_true(live_table_remove(&guard, heap + at, &found));
		assert_true(lib_block_equal(&found, &block));
	}
	if (lib_huge_pages_in(first, (uintptr_t)last - (uintptr_t)first) == 0 &&
	    !region_gather_pages((void *)(uintptr_t)first, LIB_HUGE_PAGE_BYTES * 2))
		skip();
	/* 8 MiB of words, which may begin anywhere in a huge page. */
	assert_in_range(lib_huge_pages_in(first, (uintptr_t)last - (uintptr_t)first), 3, 4);
}

struct found {
	uint64_t *addresses;
	size_t count;
};

static void find_block(uint64_t addr, const struct live_block *block, void *context)
{
	struct found *found = context;

	(void)block;
	found->addresses = realloc(found->addresses, (found->count + 1) * sizeof(addr));
	found->addresses[found->count++] = addr;
}

/* A test that failed leaves its blocks, and its guard was never left. */
static int clear(void **state)
{
	struct found found = {0};
	struct live_block block;

	(void)state;
	guard_enter().thread->inside = 0;
	GUARD_SCOPE struct guard guard = guard_enter();
	do {
		found.count = 0;
		live_table_walk(find_block, &found);
		for (size_t i = 0; i < found.count; i++)
			live_table_remove(&guard, found.addresses[i], &block);
	} while (found.count > 0);
	free(found.addresses);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(knows_nothing_of_addresses_never_used, clear),
		cmocka_unit_test_teardown(holds_what_was_added_and_not_removed, clear),
		cmocka_unit_test_teardown(replaces_a_block_whose_free_was_not_seen, clear),
		cmocka_unit_test_teardown(the_block_at_or_around_an_address_is_ignored, clear),
		cmocka_unit_test_teardown(behind_a_block_and_before_it_nothing_is_ignored, clear),
		cmocka_unit_test_teardown(threads_do_not_disturb_each_other_nor_a_walk, clear),
		cmocka_unit_test_teardown(threads_may_own_neighbours_in_one_granule, clear),
		cmocka_unit_test_teardown(becomes_huge_pages_where_it_is_full, clear),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
