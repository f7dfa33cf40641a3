/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_interior_pointers: which pointers into a block count as one to its start, and which only look so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/scan/interior_pointers.h"
#include "tests/support/lib_scan_heap.h"

/* What a compiler would put into .data.rel.ro: offset to top, type, functions. */
static const uint64_t tables[][4] = {
	{0, 0x1000, 0x2000, 0x2000},		 /* of an object and its first base */
	{(uint64_t)-16, 0x1000, 0x2000, 0x2000}, /* of a base 16 bytes behind its start */
	{(uint64_t)-64, 0x1000, 0x2000, 0x2000}, /* of one farther behind */
	{8, 0x1000, 0x2000, 0x2000},		 /* of nothing that is: it would begin before */
};
static const struct memory_span constants_span[] = {
	{(uint64_t)tables, (uint64_t)tables + sizeof(tables)}};
static const struct memory_spans constants = {constants_span, 1};

static uint64_t words[20];

static bool counts(uint64_t bytes, uint64_t offset)
{
	return interior_pointer_is_start(&constants, (uint64_t)words, bytes,
					 (uint64_t)words + offset);
}

static int clear(void **state)
{
	(void)state;
	/* Nothing that any of them is looking for. */
	memset(words, 0xee, sizeof(words));
	return 0;
}

static void the_text_of_a_string_counts(void **state)
{
	(void)state;
	words[0] = 5;
	words[1] = 75;
	assert_true(counts(100, 24));
	words[0] = 75;
	assert_true(counts(100, 24));
	/* Longer than there is room, another room, another place. */
	words[0] = 76;
	assert_false(counts(100, 24));
	words[0] = 5;
	assert_false(counts(101, 24));
	assert_false(counts(99, 24));
	assert_false(counts(100, 25));
	assert_false(counts(100, 16));
	assert_false(counts(25, 24));
}

static void what_lies_behind_its_length_counts(void **state)
{
	(void)state;
	words[0] = 92;
	assert_true(counts(100, 8));
	assert_false(counts(101, 8));
	assert_false(counts(100, 9));
	words[0] = 100;
	assert_false(counts(100, 8));
}

static void the_first_element_of_an_array_counts(void **state)
{
	(void)state;
	words[0] = 5;
	assert_true(counts(8 + 5 * 12, 8));
	assert_false(counts(8 + 5 * 12 + 1, 8));
	assert_false(counts(8 + 5 * 12, 20));
	/* More elements than bytes, or none. */
	words[0] = 61;
	assert_false(counts(8 + 60, 8));
	words[0] = 0;
	assert_false(counts(8 + 60, 8));
	/* Elements that are aligned to 16. */
	words[1] = 3;
	assert_true(counts(16 + 3 * 32, 16));
	assert_false(counts(16 + 3 * 32 + 16, 16));
}

static void a_second_base_counts(void **state)
{
	(void)state;
	words[0] = (uint64_t)&tables[0][2];
	words[2] = (uint64_t)&tables[1][2];
	assert_true(counts(100, 16));
	assert_false(counts(100, 8));
	assert_false(counts(100, 17));
	/* A member with functions of its own begins where its own table says. */
	words[2] = (uint64_t)&tables[0][2];
	assert_true(counts(100, 16));
	/* A table of an object that would begin before the block. */
	words[2] = (uint64_t)&tables[2][2];
	assert_false(counts(100, 16));
	words[8] = (uint64_t)&tables[2][2];
	assert_true(counts(100, 64));
}

static void a_pointer_to_a_table_of_functions_of_c_does_not(void **state)
{
	(void)state;
	words[0] = (uint64_t)&tables[0][2];
	words[2] = (uint64_t)&tables[3][2];
	assert_false(counts(100, 16));
	/* Not where tables are, not on a boundary, at the very beginning, or only the inner one. */
	words[2] = (uint64_t)words;
	assert_false(counts(100, 16));
	words[2] = (uint64_t)&tables[1][2] + 4;
	assert_false(counts(100, 16));
	words[2] = (uint64_t)&tables[0][1];
	assert_false(counts(100, 16));
	words[2] = (uint64_t)&tables[1][2];
	words[0] = (uint64_t)&tables[1][2];
	assert_false(counts(100, 16));
	words[0] = 7;
	assert_false(counts(100, 16));
}

static void blocks_that_are_too_short_are_not_read(void **state)
{
	(void)state;
	words[0] = 1;
	for (uint64_t bytes = 0; bytes < 24; bytes++)
		for (uint64_t offset = 1; offset < bytes; offset++)
			assert_false(counts(bytes, offset) && (bytes <= 8 || offset != 8));
	assert_false(interior_pointer_is_start(&constants, (uint64_t)words + 4, 40,
					       (uint64_t)words + 12));
}

/* ---- in a scan ------------------------------------------------------------------------------- */

static int start(void **state)
{
	(void)state;
	lib_scan_heap_start(1 << 20);
	lib_scan_question.constants = constants;
	return 0;
}

static int end(void **state)
{
	(void)state;
	lib_scan_heap_end();
	return 0;
}

static void a_pointer_that_counts_makes_its_block_reachable(void **state)
{
	uint64_t *string = lib_scan_block(100), *array = lib_scan_block(3008),
		 *other = lib_scan_block(100), *base = lib_scan_block(48);

	(void)state;
	string[0] = 10;
	string[1] = 75;
	lib_scan_root[0] = (uint64_t)&string[3];
	array[0] = 30;
	lib_scan_root[1] = (uint64_t)&array[1];
	other[0] = 30;
	lib_scan_root[2] = (uint64_t)&other[1];
	/* Out of a block, and with one of its own behind it. */
	array[100] = (uint64_t)&base[2];
	base[0] = (uint64_t)&tables[0][2];
	base[2] = (uint64_t)&tables[1][2];
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	assert_int_equal(lib_scan_class(string), LIB_SCAN_REACHABLE);
	assert_int_equal(lib_scan_class(array), LIB_SCAN_REACHABLE);
	assert_int_equal(lib_scan_class(base), LIB_SCAN_REACHABLE);
	assert_int_equal(lib_scan_class(other), LIB_SCAN_POSSIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_text_of_a_string_counts, clear),
		cmocka_unit_test_setup(what_lies_behind_its_length_counts, clear),
		cmocka_unit_test_setup(the_first_element_of_an_array_counts, clear),
		cmocka_unit_test_setup(a_second_base_counts, clear),
		cmocka_unit_test_setup(a_pointer_to_a_table_of_functions_of_c_does_not, clear),
		cmocka_unit_test_setup(blocks_that_are_too_short_are_not_read, clear),
		cmocka_unit_test_setup_teardown(a_pointer_that_counts_makes_its_block_reachable,
						start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
