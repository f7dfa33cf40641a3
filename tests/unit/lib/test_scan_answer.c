/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_answer: which blocks are lost, possibly lost and reachable, on real memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/lib_random.h"
#include "tests/support/lib_scan_heap.h"

#define HEAP_BYTES (1ull << 30)

static void scan(void)
{
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
}

static void assert_class(const void *block, enum lib_scan_class class)
{
	assert_int_equal(lib_scan_class(block), class);
}

static void point(uint64_t *from, const void *to)
{
	*from = (uint64_t)to;
}

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

/*
 * The cases of Valgrind's manual (memcheck, 4.2.8): RRR is a root, AAA and BBB are blocks, (?) is an
 * interior pointer.
 */

/* (1) RRR ------------> BBB */
static void case_1_a_block_that_a_root_points_to_is_reachable(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[3], b);
	scan();
	assert_class(b, LIB_SCAN_REACHABLE);
}

/* (2) RRR ---> AAA ---> BBB */
static void case_2_so_is_one_that_a_reachable_block_points_to(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[4], b);
	scan();
	assert_class(a, LIB_SCAN_REACHABLE);
	assert_class(b, LIB_SCAN_REACHABLE);
}

/* (3) RRR               BBB */
static void case_3_a_block_that_nothing_points_to_is_definitely_lost(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	scan();
	assert_class(b, LIB_SCAN_DEFINITE);
}

/* (4) RRR      AAA ---> BBB */
static void case_4_what_only_a_lost_block_points_to_is_indirectly_lost(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&a[0], b);
	scan();
	assert_class(a, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_INDIRECT);
}

/* (5) RRR ------(?)-----> BBB */
static void case_5_a_pointer_into_a_block_makes_it_possibly_lost(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], (uint8_t *)b + 3);
	scan();
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (6) RRR ---> AAA -(?)-> BBB */
static void case_6_also_when_the_pointer_lies_in_a_reachable_block(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[1], &b[4]);
	scan();
	assert_class(a, LIB_SCAN_REACHABLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (7) RRR -(?)-> AAA ---> BBB */
static void case_7_what_a_possibly_lost_block_points_to_is_so_too(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], &a[2]);
	point(&a[1], b);
	scan();
	assert_class(a, LIB_SCAN_POSSIBLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (8) RRR -(?)-> AAA -(?)-> BBB */
static void case_8_also_by_a_second_pointer_into_a_block(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], &a[2]);
	point(&a[1], &b[2]);
	scan();
	assert_class(a, LIB_SCAN_POSSIBLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (9) RRR      AAA -(?)-> BBB */
static void case_9_a_pointer_of_a_lost_block_into_another_loses_it_indirectly(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&a[1], &b[2]);
	scan();
	assert_class(a, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_INDIRECT);
}

static void a_pointer_to_the_start_counts_for_more_than_one_into_the_block(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40), *c = lib_scan_block(40);

	(void)state;
	/* Seen first by an interior pointer, also when it is a block's and found long before. */
	point(&lib_scan_root[0], &b[1]);
	point(&lib_scan_root[1], a);
	point(&a[0], b);
	point(&b[3], c);
	scan();
	assert_class(b, LIB_SCAN_REACHABLE);
	assert_class(c, LIB_SCAN_REACHABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(case_1_a_block_that_a_root_points_to_is_reachable,
						start, end),
		cmocka_unit_test_setup_teardown(case_2_so_is_one_that_a_reachable_block_points_to,
						start, end),
		cmocka_unit_test_setup_teardown(
			case_3_a_block_that_nothing_points_to_is_definitely_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_4_what_only_a_lost_block_points_to_is_indirectly_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_5_a_pointer_into_a_block_makes_it_possibly_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_6_also_when_the_pointer_lies_in_a_reachable_block, start, end),
		cmocka_unit_test_setup_teardown(
			case_7_what_a_possibly_lost_block_points_to_is_so_too, start, end),
		cmocka_unit_test_setup_teardown(case_8_also_by_a_second_pointer_into_a_block, start,
						end),
		cmocka_unit_test_setup_teardown(
			case_9_a_pointer_of_a_lost_block_into_another_loses_it_indirectly, start,
			end),
		cmocka_unit_test_setup_teardown(
			a_pointer_to_the_start_counts_for_more_than_one_into_the_block, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
