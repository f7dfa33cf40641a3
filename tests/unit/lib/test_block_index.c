/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_block_index: every address leads to the block that it lies in, and walks meet every block once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/scan/block_index.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_scan_heap.h"

#define HEAP_BYTES (512ull << 20)
#define LEAF (64ull << 20)
#define BLOCKS_MAX 4000u

static struct {
	uint64_t addr, bytes;
	uint32_t stack;
} blocks[BLOCKS_MAX];
static uint32_t block_count;

static struct block_index block_index;
static struct site_numbers sites;

static void add(uint64_t offset, uint64_t bytes)
{
	uint64_t addr = (uint64_t)lib_scan_block_at(offset, bytes);

	blocks[block_count].addr = addr;
	blocks[block_count].bytes = bytes;
	blocks[block_count++].stack = lib_scan_last_stack();
}

static void build(void)
{
	assert_true(site_numbers_start(&sites, &lib_scan_memory, lib_scan_last_stack() + 1));
	assert_true(block_index_build(&block_index, &lib_scan_memory, &lib_scan_question.readable,
				      &sites));
	assert_int_equal(block_index.block_count, block_count);
	assert_int_equal(sites.count, block_count);
}

static int start(void **state)
{
	(void)state;
	block_count = 0;
	lib_scan_heap_start(HEAP_BYTES);
	return 0;
}

static int end(void **state)
{
	(void)state;
	block_index_release(&block_index);
	site_numbers_release(&sites, &lib_scan_memory);
	lib_scan_heap_end();
	return 0;
}

static uint32_t find(uint64_t addr)
{
	for (uint32_t i = 0; i < block_count; i++)
		if (addr == blocks[i].addr ||
		    (addr > blocks[i].addr && addr - blocks[i].addr < blocks[i].bytes))
			return i;
	return BLOCKS_MAX;
}

static void check_address(uint64_t addr)
{
	const struct index_chunk *chunk = block_index_chunk(&block_index, addr);
	uint32_t expected = find(addr);
	block_ref ref = BLOCK_REF_NONE;
	struct indexed_block block;
	bool is_start = false;

	if (chunk != NULL)
		ref = block_index_find(&block_index, chunk, addr, &is_start);
	if (expected == BLOCKS_MAX) {
		assert_true(ref == BLOCK_REF_NONE);
		return;
	}
	assert_true(ref != BLOCK_REF_NONE);
	assert_true(addr >= block_index.low && addr < block_index.high);
	block = block_index_get(&block_index, ref);
	assert_int_equal(block.addr, blocks[expected].addr);
	assert_int_equal(block.bytes, blocks[expected].bytes);
	assert_int_equal(block.stack, blocks[expected].stack);
	assert_int_equal(block_index_stack(&block_index, ref), blocks[expected].stack);
	assert_int_equal(block.epoch, LIB_SCAN_EPOCH);
	assert_true(block.is_readable);
	assert_int_equal(is_start, addr == block.addr);
}

static void check_around(uint64_t from, uint64_t to)
{
	uint64_t place = lib_scan_question.readable.spans[0].start;

	for (uint64_t offset = from; offset < to; offset += 4) {
		check_address(place + offset);
		check_address(place + offset + 3);
	}
}

static void every_address_around_the_edges_of_the_table_finds_its_block(void **state)
{
	struct lib_random random = lib_random_start();
	uint64_t edges[] = {1 << 20, LEAF, 2 * LEAF, 3 * LEAF + (5 << 20)};

	(void)state;
	for (uint32_t e = 0; e < 4; e++) {
		uint64_t offset = edges[e] - 3000, to = edges[e] + 3000;

		while (offset < to) {
			uint64_t bytes = lib_random_below(
				&random, lib_random_once_in(&random, 6) ? 1500 : 300);

			add(offset, bytes);
			offset += ((bytes + 7) & ~7ull) + 8 * lib_random_below(&random, 6);
			offset += bytes == 0 ? 8 : 0;
		}
	}
	build();
	for (uint32_t e = 0; e < 4; e++)
		check_around(edges[e] - 4500, edges[e] + 6500);
}

static void a_block_that_ends_where_no_other_begins_is_found_there(void **state)
{
	(void)state;
	add((1 << 20) - 16, 900);
	add((5 << 20) - 1008, 1020);
	add(LEAF - 32, 1000);
	add(3 * LEAF - 16, 5000);
	build();
	check_around((1 << 20) - 100, (1 << 20) + 1000);
	check_around((5 << 20) - 100, (5 << 20) + 1000);
	check_around(LEAF - 100, LEAF + 1100);
	check_around(3 * LEAF - 100, 3 * LEAF + 5100);
}

static void a_block_over_many_leaves_is_found_in_each(void **state)
{
	(void)state;
	add(LEAF - 4096, 2 * LEAF + 12288);
	add(3 * LEAF + 16384, 40);
	add(4 * LEAF, 5000);
	build();
	check_around(LEAF - 4200, LEAF - 3900);
	check_around(LEAF - 100, LEAF + 100);
	check_around(2 * LEAF - 100, 2 * LEAF + 100);
	check_around(2 * LEAF + (7 << 20) - 100, 2 * LEAF + (7 << 20) + 100);
	check_around(3 * LEAF - 100, 3 * LEAF + 17000);
	check_around(4 * LEAF - 100, 4 * LEAF + 6000);
}

static void addresses_that_are_no_multiples_of_8_have_blocks_too(void **state)
{
	(void)state;
	add(4096, 30);
	add(4096 + 33, 5);
	add(4096 + 39, 2);
	add(4096 + 41, 3000);
	build();
	check_around(4000, 8000);
}

/* ---- walks ----------------------------------------------------------------------------------- */

struct walked {
	block_ref refs[BLOCKS_MAX];
	uint32_t count;
};

static void note(block_ref ref, void *context)
{
	struct walked *walked = context;

	walked->refs[walked->count++] = ref;
}

static void mark_the_next_two(block_ref ref, void *context)
{
	static const uint32_t marks[] = {MARK_SEEN, MARK_NONE};
	struct walked *walked = context;
	struct walked *all = walked + 1;

	note(ref, context);
	for (uint32_t i = 0; i < all->count; i++)
		if (all->refs[i] == ref)
			for (uint32_t n = 1; n <= 2 && i + n < all->count; n++)
				block_index_set_mark(&block_index, all->refs[i + n], marks[n - 1]);
}

static uint64_t addr_of(block_ref ref)
{
	return block_index_get(&block_index, ref).addr;
}

static void a_walk_meets_blocks_by_their_marks_in_either_order(void **state)
{
	static struct walked there, back, some, chained[2];
	struct lib_random random = lib_random_start();
	uint32_t counts[MARK_LIMIT] = {0};

	(void)state;
	there.count = back.count = chained[0].count = 0;
	for (uint32_t i = 0; i < 600; i++)
		add(i * 4096 + (i % 2 == 0 ? LEAF : 0), i % 3 == 0 ? 2000 : 16);
	build();
	block_index_walk(&block_index, 1u << MARK_NONE, false, note, &there);
	block_index_walk(&block_index, (1u << MARK_LIMIT) - 1, true, note, &back);
	assert_int_equal(there.count, 600);
	assert_int_equal(back.count, 600);
	for (uint32_t i = 0; i < 600; i++) {
		assert_int_equal(there.refs[i], back.refs[599 - i]);
		/* Small ones first. */
		if (i > 0 && i != 400)
			assert_true(addr_of(there.refs[i - 1]) < addr_of(there.refs[i]));
	}
	for (uint32_t i = 0; i < 600; i++) {
		uint32_t mark = (uint32_t)lib_random_below(&random, MARK_LIMIT);

		block_index_set_mark(&block_index, there.refs[i], mark);
		assert_int_equal(block_index_mark(&block_index, there.refs[i]), mark);
		counts[mark]++;
	}
	for (uint32_t mark = 0; mark < MARK_LIMIT; mark++) {
		some.count = 0;
		block_index_walk(&block_index, 1u << mark | 1u << MARK_HEAD, mark % 2 == 0, note,
				 &some);
		assert_int_equal(some.count,
				 counts[mark] + (mark == MARK_HEAD ? 0 : counts[MARK_HEAD]));
		for (uint32_t i = 0; i < some.count; i++)
			assert_true(block_index_mark(&block_index, some.refs[i]) == mark ||
				    block_index_mark(&block_index, some.refs[i]) == MARK_HEAD);
	}
	/* Who is given another mark on the way is met or not, as it then is. */
	for (uint32_t i = 0; i < 600; i++)
		block_index_set_mark(&block_index, there.refs[i], MARK_NONE);
	chained[1] = there;
	block_index_walk(&block_index, 1u << MARK_NONE, false, mark_the_next_two, chained);
	assert_int_equal(chained[0].count, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_address_around_the_edges_of_the_table_finds_its_block, start, end),
		cmocka_unit_test_setup_teardown(
			a_block_that_ends_where_no_other_begins_is_found_there, start, end),
		cmocka_unit_test_setup_teardown(a_block_over_many_leaves_is_found_in_each, start,
						end),
		cmocka_unit_test_setup_teardown(
			addresses_that_are_no_multiples_of_8_have_blocks_too, start, end),
		cmocka_unit_test_setup_teardown(a_walk_meets_blocks_by_their_marks_in_either_order,
						start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
