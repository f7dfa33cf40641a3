/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_part: the parts add up, and nothing is said of what the file does not say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seep/snapshot_format.h"
#include "tools/model/memory_part.h"

#define MIB 1048576u

static const struct seep_snapshot whole = {
	.live_bytes = 100 * MIB,
	.live_blocks = MIB / 2,
	.allocations = MIB,
	.rss_bytes = 256 * MIB,
	.swap_bytes = 3 * MIB,
	.own_bytes = 20 * MIB,
	.anonymous_bytes = 226 * MIB,
	.vm_bytes = 900 * MIB,
	.data_bytes = 500 * MIB,
	.heap_bytes = 200 * MIB,
	.heap_resident_bytes = 190 * MIB,
	.live_page_bytes = 150 * MIB,
};

static uint64_t part_of(const struct seep_snapshot *totals, enum memory_part part)
{
	uint64_t bytes;
	assert_true(memory_part_of(totals, part, &bytes));
	return bytes;
}

static bool is_known(const struct seep_snapshot *totals, enum memory_part part)
{
	uint64_t bytes;
	return memory_part_of(totals, part, &bytes);
}

static void the_parts_are_what_is_resident(void **state)
{
	(void)state;
	assert_int_equal(part_of(&whole, PART_REQUESTED), 100 * MIB);
	assert_int_equal(part_of(&whole, PART_BETWEEN), 50 * MIB);
	assert_int_equal(part_of(&whole, PART_KEPT), 40 * MIB);
	assert_int_equal(part_of(&whole, PART_OUTSIDE), 16 * MIB);
	assert_int_equal(part_of(&whole, PART_FILES), 30 * MIB);
	assert_int_equal(part_of(&whole, PART_OWN), 20 * MIB);
	uint64_t sum = 0;
	for (int part = PART_REQUESTED; part <= PART_OWN; part++)
		sum += part_of(&whole, (enum memory_part)part);
	assert_int_equal(sum, part_of(&whole, PART_RESIDENT));
	assert_int_equal(part_of(&whole, PART_SWAPPED), 3 * MIB);
	assert_int_equal(part_of(&whole, PART_LIVE_PAGES), 150 * MIB);
	assert_int_equal(part_of(&whole, PART_HEAP_RESIDENT), 190 * MIB);
	assert_int_equal(part_of(&whole, PART_HEAP), 200 * MIB);
	assert_int_equal(part_of(&whole, PART_ANONYMOUS), 206 * MIB);
	assert_int_equal(part_of(&whole, PART_FILE_SPACE), 400 * MIB);
}

static void rounding_is_not_scattered(void **state)
{
	(void)state;
	/* Half a million blocks, 32 bytes each. */
	assert_int_equal(part_of(&whole, PART_SCATTERED), 34 * MIB);
	struct seep_snapshot small = whole;
	small.live_blocks = UINT64_MAX / 2;
	assert_int_equal(part_of(&small, PART_SCATTERED), 0);
}

static void nothing_is_negative(void **state)
{
	(void)state;
	struct seep_snapshot odd = whole;
	odd.live_page_bytes = 90 * MIB; /* taken while threads went on */
	odd.heap_resident_bytes = 80 * MIB;
	odd.own_bytes = 300 * MIB;
	odd.rss_bytes = 200 * MIB;
	assert_int_equal(part_of(&odd, PART_BETWEEN), 0);
	assert_int_equal(part_of(&odd, PART_SCATTERED), 0);
	assert_int_equal(part_of(&odd, PART_KEPT), 0);
	assert_int_equal(part_of(&odd, PART_OUTSIDE), 0);
	assert_int_equal(part_of(&odd, PART_FILES), 0);
}

static void what_the_file_does_not_say_is_unknown(void **state)
{
	(void)state;
	struct seep_snapshot old = whole; /* of version 1.3 */
	old.heap_bytes = old.heap_resident_bytes = old.live_page_bytes = 0;
	assert_true(is_known(&old, PART_REQUESTED) && is_known(&old, PART_FILES));
	assert_false(is_known(&old, PART_BETWEEN) || is_known(&old, PART_SCATTERED));
	assert_false(is_known(&old, PART_KEPT) || is_known(&old, PART_OUTSIDE));
	assert_false(is_known(&old, PART_HEAP) || is_known(&old, PART_LIVE_PAGES));
	old.anonymous_bytes = 0;
	assert_false(is_known(&old, PART_FILES));
	old.rss_bytes = 0;
	assert_false(is_known(&old, PART_RESIDENT) || is_known(&old, PART_SWAPPED));

	struct seep_snapshot sampled = whole;
	sampled.live_page_bytes = 0;
	assert_false(is_known(&sampled, PART_KEPT) || is_known(&sampled, PART_BETWEEN));
	assert_int_equal(part_of(&sampled, PART_OUTSIDE), 16 * MIB);

	/* No block, so no page with one. */
	sampled.live_blocks = sampled.live_bytes = 0;
	assert_int_equal(part_of(&sampled, PART_KEPT), 190 * MIB);
}

static void a_process_that_never_allocated_has_no_heap(void **state)
{
	(void)state;
	static const struct seep_snapshot maps_only = {
		.rss_bytes = 80 * MIB, .own_bytes = 2 * MIB, .anonymous_bytes = 70 * MIB};
	assert_int_equal(part_of(&maps_only, PART_OUTSIDE), 68 * MIB);
	assert_int_equal(part_of(&maps_only, PART_BETWEEN), 0);
	assert_int_equal(part_of(&maps_only, PART_KEPT), 0);
	assert_int_equal(part_of(&maps_only, PART_HEAP), 0);
	/* One that did may have one, although it has freed all. */
	struct seep_snapshot freed = maps_only;
	freed.allocations = 1;
	assert_false(is_known(&freed, PART_OUTSIDE) || is_known(&freed, PART_KEPT) ||
		     is_known(&freed, PART_BETWEEN) || is_known(&freed, PART_HEAP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_are_what_is_resident),
		cmocka_unit_test(rounding_is_not_scattered),
		cmocka_unit_test(nothing_is_negative),
		cmocka_unit_test(what_the_file_does_not_say_is_unknown),
		cmocka_unit_test(a_process_that_never_allocated_has_no_heap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
