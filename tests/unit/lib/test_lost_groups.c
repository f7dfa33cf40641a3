/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lost_groups: lost blocks have one head for each group, and each that hangs under one is counted once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/lib_scan_heap.h"

#define HEAP_BYTES (256ull << 20)

static int start(void **state)
{
	(void)state;
	lib_scan_heap_start(HEAP_BYTES);
	return 0;
}

static int end(void **state)
{
	(void)state;
	lib_scan_heap_end();
	return 0;
}

static void scan(void)
{
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
}

static void point(uint64_t *from, const void *to)
{
	*from = (uint64_t)to;
}

/* Each points to the next one, and the last to the first. */
static void make_ring(uint64_t **blocks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		blocks[i] = lib_scan_block(40);
	for (uint32_t i = 0; i < count; i++)
		point(&blocks[i][0], blocks[(i + 1) % count]);
}

static uint32_t count_of(uint64_t **blocks, uint32_t count, enum lib_scan_class class)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++)
		found += lib_scan_class(blocks[i]) == class;
	return found;
}

static struct lib_scan_site site_of(const void *block)
{
	return lib_scan_site(lib_scan_stack(block));
}

static void a_block_that_points_to_itself_is_definitely_lost(void **state)
{
	uint64_t *a = lib_scan_block(40);

	(void)state;
	point(&a[2], a);
	point(&a[3], &a[1]);
	scan();
	assert_int_equal(lib_scan_class(a), LIB_SCAN_DEFINITE);
	assert_int_equal(site_of(a).blocks[4], 0);
}

static void a_ring_has_one_head(void **state)
{
	uint64_t *ring[1000];

	(void)state;
	make_ring(ring, 1000);
	scan();
	assert_int_equal(count_of(ring, 1000, LIB_SCAN_DEFINITE), 1);
	assert_int_equal(count_of(ring, 1000, LIB_SCAN_INDIRECT), 999);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(site_of(ring[i]).blocks[4],
				 lib_scan_class(ring[i]) == LIB_SCAN_DEFINITE ? 999 : 0);
}

static void a_ring_that_hangs_under_a_block_has_none(void **state)
{
	uint64_t *ring[5], *above;

	(void)state;
	/* The one that leads into it comes last, and into the middle. */
	make_ring(ring, 5);
	above = lib_scan_block(40);
	point(&above[1], ring[2]);
	scan();
	assert_int_equal(lib_scan_class(above), LIB_SCAN_DEFINITE);
	assert_int_equal(count_of(ring, 5, LIB_SCAN_INDIRECT), 5);
	assert_int_equal(site_of(above).blocks[4], 5);
	assert_int_equal(site_of(above).bytes[4], 200);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(site_of(ring[i]).head_stack, lib_scan_stack(above));
}

static void of_rings_that_hang_on_rings_the_uppermost_has_a_head(void **state)
{
	uint64_t *rings[20][7];
	uint32_t heads = 0;

	(void)state;
	for (uint32_t r = 0; r < 20; r++)
		make_ring(rings[r], 7);
	/* In an order that is not that of their addresses; 13 is above all others. */
	for (uint32_t r = 0; r < 19; r++)
		point(&rings[(13 + 7 * r) % 20][r % 7][1], rings[(13 + 7 * (r + 1)) % 20][r % 5]);
	scan();
	for (uint32_t r = 0; r < 20; r++)
		heads += count_of(rings[r], 7, LIB_SCAN_DEFINITE);
	assert_int_equal(heads, 1);
	assert_int_equal(count_of(rings[13], 7, LIB_SCAN_DEFINITE), 1);
	assert_int_equal(lib_scan_head().indirectly_blocks, 139);
}

static void what_hangs_under_two_heads_is_counted_under_one(void **state)
{
	uint64_t *below = lib_scan_block(40), *one = lib_scan_block(40),
		 *other = lib_scan_block(40);
	uint64_t head_stack;

	(void)state;
	point(&one[0], below);
	point(&other[0], below);
	scan();
	assert_int_equal(site_of(one).blocks[4] + site_of(other).blocks[4], 1);
	head_stack = site_of(below).head_stack;
	assert_int_equal(site_of(one).blocks[4], head_stack == lib_scan_stack(one));
	assert_int_equal(site_of(other).blocks[4], head_stack == lib_scan_stack(other));
}

static void a_list_of_a_million_blocks_has_one_head_in_either_order(void **state)
{
	uint64_t *last = NULL, *block, *head;

	(void)state;
	/* Each points to the one before. */
	for (uint32_t i = 0; i < 1000000; i++) {
		block = lib_scan_block_of(24, 10, LIB_SCAN_EPOCH);
		point(block, last);
		last = block;
	}
	head = lib_scan_block(40);
	point(&head[0], last);
	/* And the other way round. */
	head = lib_scan_block_of(24, 12, LIB_SCAN_EPOCH);
	last = head;
	for (uint32_t i = 0; i < 1000000; i++) {
		block = lib_scan_block_of(24, 13, LIB_SCAN_EPOCH);
		point(last, block);
		last = block;
	}
	scan();
	assert_int_equal(lib_scan_head().definitely_blocks, 2);
	assert_int_equal(lib_scan_head().indirectly_blocks, 2000000);
	assert_int_equal(lib_scan_site(11).blocks[4], 1000000);
	assert_int_equal(lib_scan_site(12).blocks[4], 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_block_that_points_to_itself_is_definitely_lost,
						start, end),
		cmocka_unit_test_setup_teardown(a_ring_has_one_head, start, end),
		cmocka_unit_test_setup_teardown(a_ring_that_hangs_under_a_block_has_none, start,
						end),
		cmocka_unit_test_setup_teardown(
			of_rings_that_hang_on_rings_the_uppermost_has_a_head, start, end),
		cmocka_unit_test_setup_teardown(what_hangs_under_two_heads_is_counted_under_one,
						start, end),
		cmocka_unit_test_setup_teardown(
			a_list_of_a_million_blocks_has_one_head_in_either_order, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
