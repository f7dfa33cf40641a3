/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_side_table: blocks of any size and address, tables that grow, are emptied and replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lib/base/region.h"
#include "lib/record/side_table.h"
#include "tests/support/lib_block_model.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define PLACE 0x7f0000000000ull

/* All that is known of a block follows from its stack, so a mixture of two shows. */
static struct live_block block_numbered(uint32_t number)
{
	return (struct live_block){.bytes = number * 3ull << number % 24,
				   .stack = number,
				   .epoch = number % LIVE_BLOCK_EPOCH_MAX + 1,
				   .kind = 1 + (enum block_kind)(number % 7)};
}

static void assert_walk_equals(struct lib_block_model *model)
{
	lib_block_model_begin(model);
	side_table_walk(lib_block_model_visit, model);
	assert_true(lib_block_model_end(model));
}

static void change_one(struct lib_random *random, const struct guard *guard,
		       struct lib_block_model *model, uint64_t addr, uint32_t adds_of_8)
{
	struct live_block block = block_numbered((uint32_t)lib_random_below(random, 1 << 30));
	struct live_block old, expected;
	bool is_there = lib_block_model_get(model, addr, &expected);

	if (lib_random_below(random, 8) < adds_of_8) {
		assert_int_equal(side_table_add(guard, addr, &block, &old),
				 is_there ? SIDE_TABLE_REPLACED : SIDE_TABLE_ADDED);
		lib_block_model_put(model, addr, &block);
	} else {
		assert_int_equal(side_table_remove(guard, addr, &old), is_there);
		lib_block_model_remove(model, addr);
	}
	if (is_there)
		assert_true(lib_block_equal(&old, &expected));
}

static void holds_what_was_added_through_growth_and_tombstones(void **state)
{
	struct lib_random random = lib_random_start();
	struct lib_block_model model = {0};
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block;

	(void)state;
	/* Filling, emptying, and in between the same number of blocks at ever other addresses. */
	for (uint32_t phase = 0; phase < 12; phase++) {
		uint32_t adds_of_8 = (uint32_t[]){7, 4, 1, 4}[phase % 4];

		for (int i = 0; i < 40000; i++) {
			uint64_t step = lib_random_below(&random, 30000);

			change_one(&random, &guard, &model, PLACE + (step + phase * 10000) * 16,
				   adds_of_8);
		}
		assert_walk_equals(&model);
	}
	for (uint64_t step = 0; step < 150000; step++) {
		bool was_there = lib_block_model_remove(&model, PLACE + step * 16);

		assert_int_equal(side_table_remove(&guard, PLACE + step * 16, &block), was_there);
	}
	assert_walk_equals(&model);
}

static void does_not_grow_while_blocks_come_and_go(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = block_numbered(1), old;
	size_t bytes = 0;

	(void)state;
	for (uint64_t i = 0; i < 2000000; i++) {
		assert_int_equal(side_table_add(&guard, PLACE + i * 4096, &block, &old),
				 SIDE_TABLE_ADDED);
		if (i >= 1000)
			assert_true(side_table_remove(&guard, PLACE + (i - 1000) * 4096, &old));
		if (i == 100000)
			bytes = region_mapped_bytes();
	}
	assert_true(region_mapped_bytes() <= bytes + 64 * 4096);
	for (uint64_t i = 2000000 - 1000; i < 2000000; i++)
		assert_true(side_table_remove(&guard, PLACE + i * 4096, &old));
	struct lib_block_model nothing = {0};
	assert_walk_equals(&nothing);
}

static void takes_any_address_but_those_that_mark_a_slot(void **state)
{
	static const uint64_t addresses[] = {2, 7, 8, 1ull << 47, UINT64_MAX, UINT64_MAX - 7};
	struct lib_block_model model = {0};
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = block_numbered(4711), old;

	(void)state;
	assert_int_equal(side_table_add(&guard, 0, &block, &old), SIDE_TABLE_LOST);
	assert_int_equal(side_table_add(&guard, 1, &block, &old), SIDE_TABLE_LOST);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(side_table_add(&guard, addresses[i], &block, &old),
				 SIDE_TABLE_ADDED);
		lib_block_model_put(&model, addresses[i], &block);
	}
	assert_walk_equals(&model);
	for (int i = 0; i < 6; i++)
		assert_true(side_table_remove(&guard, addresses[i], &old));
	lib_block_model_free(&model);
}

static void finds_no_block_at_the_marks_of_a_slot(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = block_numbered(4711), old;

	(void)state;
	/* Something in every shard, and tombstones too. */
	for (uint64_t i = 0; i < 10000; i++)
		side_table_add(&guard, PLACE + i * 16, &block, &old);
	for (uint64_t i = 0; i < 10000; i += 2)
		assert_true(side_table_remove(&guard, PLACE + i * 16, &old));
	assert_false(side_table_remove(&guard, 0, &old));
	assert_false(side_table_remove(&guard, 1, &old));
	for (uint64_t i = 1; i < 10000; i += 2)
		assert_true(side_table_remove(&guard, PLACE + i * 16, &old));
}

/* A signal handler that interrupted us must not wait for a lock that we hold. Its blocks lie beside
 * ours, in all shards. */
#define HANDLER_PLACE (PLACE + (1ull << 40))
#define HANDLER_SLOTS 4096u

static struct {
	uint8_t is_there[HANDLER_SLOTS];
	uint32_t runs, nested, given_up, mistakes;
} handler;

static void add_in_handler(int number)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = block_numbered(4711), old;

	(void)number;
	handler.runs++;
	handler.nested += guard.is_nested;
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t slot = (handler.runs * 40 + i) % HANDLER_SLOTS;
		uint64_t addr = HANDLER_PLACE + slot * 16;

		if (handler.is_there[slot]) {
			/* It stays where it is when its shard is busy. */
			handler.is_there[slot] = !side_table_remove(&guard, addr, &old);
			handler.given_up += handler.is_there[slot];
			continue;
		}
		switch (side_table_add(&guard, addr, &block, &old)) {
		case SIDE_TABLE_ADDED:
			handler.is_there[slot] = 1;
			break;
		case SIDE_TABLE_LOST:
			handler.given_up++;
			break;
		default:
			handler.mistakes++;
		}
	}
}

static void a_handler_gives_up_where_its_thread_holds_the_lock(void **state)
{
	const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
	struct lib_random random = lib_random_start();
	struct lib_block_model model = {0};
	struct live_block old;

	(void)state;
	memset(&handler, 0, sizeof(handler));
	signal(SIGALRM, add_in_handler);
	setitimer(ITIMER_REAL, &often, NULL);
	while (handler.runs < 3000) {
		GUARD_SCOPE struct guard guard = guard_enter();

		for (uint32_t i = 0; i < 1000; i++)
			change_one(&random, &guard, &model,
				   PLACE + lib_random_below(&random, 5000) * 16, 4);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	print_message("          %u handlers, %u nested, %u times given up\n", handler.runs,
		      handler.nested, handler.given_up);
	GUARD_SCOPE struct guard guard = guard_enter();
	for (uint32_t slot = 0; slot < HANDLER_SLOTS; slot++)
		handler.mistakes += side_table_remove(&guard, HANDLER_PLACE + slot * 16, &old) !=
				    handler.is_there[slot];
	assert_walk_equals(&model);
	for (uint64_t step = 0; step < 5000; step++)
		if (lib_block_model_remove(&model, PLACE + step * 16))
			assert_true(side_table_remove(&guard, PLACE + step * 16, &old));
	assert_int_equal(handler.mistakes, 0);
	assert_true(handler.nested > 0);
}

/* ---- threads and a walk ---------------------------------------------------------------------- */

#define THREADS 4u
#define ROUNDS 300000
#define SLOTS_MAX 20000u

/* What a thread has in each of its slots: the block's number + 1; 0: nothing. */
static uint32_t *live[THREADS];
static uint32_t slot_count;
static uint64_t seed;
static _Atomic(uint64_t) mistakes;

/* Every eighth block stays. */
static bool stays(uint32_t slot)
{
	return slot % 8 == 0;
}

static uint64_t address_of(uint32_t thread, uint32_t slot)
{
	return PLACE + ((uint64_t)slot * THREADS + thread) * 16;
}

static void add_and_remove(uint32_t number, void *context)
{
	struct lib_random random = {seed + number};
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block, old;

	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t slot = (uint32_t)lib_random_below(&random, slot_count);
		uint32_t *mine = &live[number][slot];

		if (*mine == 0) {
			block = block_numbered((uint32_t)lib_random_below(&random, 1 << 30));
			mistakes += side_table_add(&guard, address_of(number, slot), &block,
						   &old) != SIDE_TABLE_ADDED;
			*mine = block.stack + 1;
		} else if (!stays(slot)) {
			mistakes += !side_table_remove(&guard, address_of(number, slot), &old) ||
				    old.stack + 1 != *mine;
			*mine = 0;
		}
	}
}

struct watched {
	uint64_t walks, blocks, mixed, wrong;
	uint32_t *last_walk;
};

static void watch(uint64_t addr, const struct live_block *block, void *context)
{
	struct watched *watched = context;
	struct live_block expected = block_numbered(block->stack);
	uint64_t index = (addr - PLACE) / 16;

	watched->blocks++;
	watched->mixed += !lib_block_equal(block, &expected);
	if (addr < PLACE || index >= (uint64_t)slot_count * THREADS) {
		watched->wrong++;
		return;
	}
	if (stays((uint32_t)(index / THREADS)))
		watched->wrong += watched->last_walk[index] == watched->walks;
	watched->last_walk[index] = (uint32_t)watched->walks;
}

static void walk_while_threads_work(uint32_t slots)
{
	struct watched watched = {.last_walk = calloc((size_t)slots * THREADS, sizeof(uint32_t))};
	GUARD_SCOPE struct guard guard = guard_enter();
	struct lib_random random = lib_random_start();
	struct lib_crowd crowd;
	struct live_block block, old;

	slot_count = slots;
	seed = lib_random_next(&random);
	mistakes = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		live[i] = calloc(slots, sizeof(uint32_t));
		for (uint32_t slot = 0; slot < slots; slot += 8) {
			block = block_numbered((uint32_t)lib_random_below(&random, 1 << 30));
			live[i][slot] = block.stack + 1;
			assert_int_equal(side_table_add(&guard, address_of(i, slot), &block, &old),
					 SIDE_TABLE_ADDED);
		}
	}
	lib_crowd_start(&crowd, THREADS, add_and_remove, NULL);
	while (lib_crowd_is_running(&crowd)) {
		watched.walks++;
		side_table_walk(watch, &watched);
		for (uint32_t i = 0; i < slots * THREADS; i++)
			watched.wrong +=
				stays(i / THREADS) && watched.last_walk[i] != watched.walks;
	}
	lib_crowd_join(&crowd);
	for (uint32_t i = 0; i < THREADS; i++) {
		for (uint32_t slot = 0; slot < slots; slot++)
			mistakes += side_table_remove(&guard, address_of(i, slot), &block) !=
				    (live[i][slot] != 0);
		free(live[i]);
	}
	free(watched.last_walk);
	print_message("          %u walks over %u blocks while %u threads went on\n",
		      (unsigned)watched.walks, (unsigned)watched.blocks, THREADS);
	struct lib_block_model nothing = {0};
	assert_walk_equals(&nothing);
	assert_int_equal(mistakes, 0);
	assert_int_equal(watched.wrong, 0);
	assert_int_equal(watched.mixed, 0);
}

/* Tables are replaced under the walk: each thread begins with an eighth of its blocks. */
static void is_walked_while_it_grows(void **state)
{
	(void)state;
	walk_while_threads_work(SLOTS_MAX);
}

/* An allocator gives the address that was freed last to the next block. */
static void is_walked_while_addresses_are_used_again(void **state)
{
	(void)state;
	walk_while_threads_work(64);
	walk_while_threads_work(16);
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
	side_table_walk(find_block, &found);
	for (size_t i = 0; i < found.count; i++)
		side_table_remove(&guard, found.addresses[i], &block);
	free(found.addresses);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(takes_any_address_but_those_that_mark_a_slot, clear),
		cmocka_unit_test_teardown(holds_what_was_added_through_growth_and_tombstones,
					  clear),
		cmocka_unit_test_teardown(does_not_grow_while_blocks_come_and_go, clear),
		cmocka_unit_test_teardown(a_handler_gives_up_where_its_thread_holds_the_lock,
					  clear),
		cmocka_unit_test_teardown(is_walked_while_it_grows, clear),
		cmocka_unit_test_teardown(is_walked_while_addresses_are_used_again, clear),
		/* Last: if it fails the table is no longer sound. */
		cmocka_unit_test_teardown(finds_no_block_at_the_marks_of_a_slot, clear),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
