/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_map_table: random mappings and unmappings, compared page by page with a plain array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/record/map_table.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define PAGES 512u
#define PAGE_BYTES 4096ull
#define PLACE 0x7e0000000000ull

/* By page: the stack of the mapping + 1, and its epoch; 0: not mapped. */
struct pages {
	uint32_t stack[PAGES], epoch[PAGES];
	uint64_t last_end;
	uint32_t ranges;
	bool is_wrong;
};

static struct pages expected, walked;

static void visit(uint64_t addr, const struct live_block *block, void *context)
{
	struct pages *pages = context;
	uint64_t first = (addr - PLACE) / PAGE_BYTES, count = block->bytes / PAGE_BYTES;

	/* Sorted and without overlaps, whole pages, never empty. */
	if (addr < PLACE || addr < pages->last_end || count == 0 || first + count > PAGES ||
	    addr % PAGE_BYTES != 0 || block->bytes % PAGE_BYTES != 0) {
		pages->is_wrong = true;
		return;
	}
	pages->last_end = addr + block->bytes;
	pages->ranges++;
	for (uint64_t page = first; page < first + count; page++) {
		pages->stack[page] = block->stack + 1;
		pages->epoch[page] = block->epoch;
	}
}

static void assert_walk_equals(void)
{
	walked = (struct pages){0};
	map_table_walk(visit, &walked, false);
	assert_false(walked.is_wrong);
	assert_memory_equal(walked.stack, expected.stack, sizeof(expected.stack));
	assert_memory_equal(walked.epoch, expected.epoch, sizeof(expected.epoch));
}

static void set(uint64_t first, uint64_t count, uint32_t stack, uint32_t epoch)
{
	for (uint64_t page = first; page < first + count; page++) {
		expected.stack[page] = stack;
		expected.epoch[page] = epoch;
	}
}

static void add(const struct guard *guard, uint64_t first, uint64_t count, uint32_t stack,
		uint32_t epoch)
{
	struct live_block block = {.bytes = count * PAGE_BYTES, .stack = stack, .epoch = epoch};

	assert_true(map_table_add(guard, PLACE + first * PAGE_BYTES, &block));
	set(first, count, stack + 1, epoch);
}

static void remove_pages(const struct guard *guard, uint64_t first, uint64_t count)
{
	map_table_remove(guard, PLACE + first * PAGE_BYTES, count * PAGE_BYTES);
	set(first, count, 0, 0);
}

static void equals_a_page_map_over_random_histories(void **state)
{
	struct lib_random random = lib_random_start();
	GUARD_SCOPE struct guard guard = guard_enter();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t first = lib_random_below(&random, PAGES);
		uint64_t most = lib_random_once_in(&random, 8) ? PAGES : 12;
		uint64_t count = 1 + lib_random_below(&random, most);

		if (count > PAGES - first)
			count = PAGES - first;
		if (lib_random_once_in(&random, 2))
			add(&guard, first, count, (uint32_t)lib_random_below(&random, 1000),
			    1 + (uint32_t)lib_random_below(&random, 1000));
		else
			remove_pages(&guard, first, count);
		if (i % 8 == 0)
			assert_walk_equals();
	}
	remove_pages(&guard, 0, PAGES);
	assert_walk_equals();
	assert_int_equal(walked.ranges, 0);
}

static void splits_a_mapping_whose_middle_is_unmapped(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	(void)state;
	add(&guard, 10, 30, 5, 6);
	remove_pages(&guard, 20, 10);
	assert_walk_equals();
	assert_int_equal(walked.ranges, 2);
	/* What was never mapped may be unmapped, also nothing at all. */
	remove_pages(&guard, 0, 5);
	remove_pages(&guard, 22, 2);
	map_table_remove(&guard, PLACE + 11 * PAGE_BYTES, 0);
	assert_walk_equals();
	assert_int_equal(walked.ranges, 2);
	remove_pages(&guard, 0, PAGES);
}

static void grows_to_many_ranges(void **state)
{
	static struct live_block block = {.bytes = PAGE_BYTES, .stack = 1, .epoch = 1};
	GUARD_SCOPE struct guard guard = guard_enter();
	uint64_t place = PLACE - (1ull << 40);

	(void)state;
	for (uint64_t i = 0; i < 20000; i++)
		assert_true(map_table_add(&guard, place + 2 * i * PAGE_BYTES, &block));
	map_table_remove(&guard, place, 40000 * PAGE_BYTES);
	assert_walk_equals();
	assert_int_equal(walked.ranges, 0);
}

/* Another thread changes the table while it is walked. */
static _Atomic(bool) is_done;

static void change_pages(uint32_t number, void *seed)
{
	struct lib_random random = {*(uint64_t *)seed + number};

	while (!is_done) {
		GUARD_SCOPE struct guard guard = guard_enter();
		uint64_t first = lib_random_below(&random, PAGES - 12);
		struct live_block block = {.bytes =
						   (1 + lib_random_below(&random, 12)) * PAGE_BYTES,
					   .stack = 1,
					   .epoch = 1};

		if (lib_random_once_in(&random, 2))
			map_table_add(&guard, PLACE + first * PAGE_BYTES, &block);
		else
			map_table_remove(&guard, PLACE + first * PAGE_BYTES, block.bytes);
	}
}

static void is_walked_while_threads_change_it(void **state)
{
	struct lib_random random = lib_random_start();
	struct lib_crowd crowd;

	(void)state;
	is_done = false;
	lib_crowd_start(&crowd, 3, change_pages, &random.state);
	for (int i = 0; i < 2000 && !walked.is_wrong; i++) {
		walked = (struct pages){0};
		map_table_walk(visit, &walked, false);
	}
	is_done = true;
	lib_crowd_join(&crowd);
	assert_false(walked.is_wrong);
	GUARD_SCOPE struct guard guard = guard_enter();
	remove_pages(&guard, 0, PAGES);
	assert_walk_equals();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_a_mapping_whose_middle_is_unmapped),
		cmocka_unit_test(equals_a_page_map_over_random_histories),
		cmocka_unit_test(grows_to_many_ranges),
		cmocka_unit_test(is_walked_while_threads_change_it),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
