/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_root_regions: regions come and go, any number of them, also by several threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "lib/record/root_regions.h"
#include "tests/support/lib_crowd.h"

static uint32_t count(void)
{
	uint64_t start, bytes;
	uint32_t number = 0;

	while (root_regions_at(number, &start, &bytes))
		number++;
	return number;
}

static uint32_t times(uint64_t wanted, uint64_t wanted_bytes)
{
	uint64_t start, bytes;
	uint32_t found = 0;

	for (uint32_t i = 0; root_regions_at(i, &start, &bytes); i++)
		found += start == wanted && bytes == wanted_bytes;
	return found;
}

static void what_was_added_is_there_until_it_is_removed(void **state)
{
	(void)state;
	assert_int_equal(count(), 0);
	assert_false(root_regions_remove(0x1000, 8));
	assert_true(root_regions_add(0x1000, 8));
	assert_true(root_regions_add(0x1000, 16));
	assert_true(root_regions_add(0x1000, 8));
	assert_int_equal(times(0x1000, 8), 2);
	assert_int_equal(times(0x1000, 16), 1);
	/* Only the very same. */
	assert_false(root_regions_remove(0x1000, 9));
	assert_false(root_regions_remove(0x1008, 8));
	assert_true(root_regions_remove(0x1000, 8));
	assert_true(root_regions_remove(0x1000, 8));
	assert_false(root_regions_remove(0x1000, 8));
	assert_true(root_regions_remove(0x1000, 16));
	assert_int_equal(count(), 0);
}

static void what_is_no_memory_is_no_region(void **state)
{
	(void)state;
	assert_false(root_regions_add(0, 8));
	assert_false(root_regions_add(0x1000, 0));
	assert_false(root_regions_add(UINT64_MAX - 7, 16));
	assert_false(root_regions_remove(0, 0));
	assert_int_equal(count(), 0);
}

#define MANY 1000u

static void there_may_be_many(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= MANY; i++)
		assert_true(root_regions_add(i << 12, i));
	assert_int_equal(count(), MANY);
	for (uint64_t i = 2; i <= MANY; i += 2)
		assert_true(root_regions_remove(i << 12, i));
	assert_int_equal(count(), MANY / 2);
	for (uint64_t i = 1; i <= MANY; i++)
		assert_int_equal(times(i << 12, i), i % 2);
	for (uint64_t i = 1; i <= MANY; i += 2)
		assert_true(root_regions_remove(i << 12, i));
	assert_int_equal(count(), 0);
}

#define THREADS 4u
#define ROUNDS 3000u
#define AT_ONCE 100u

static _Atomic(uint32_t) mistakes;

static void come_and_go(uint32_t number, void *unused)
{
	(void)unused;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		for (uint64_t i = 0; i < AT_ONCE && round % 100 == 0; i++)
			mistakes += !root_regions_add(((uint64_t)(number + 1) << 32) + i, 64);
		/* All threads the same one. */
		mistakes += !root_regions_add(0x5000, 8);
		mistakes += !root_regions_remove(0x5000, 8);
		for (uint64_t i = 0; i < AT_ONCE && round % 100 == 99; i++)
			mistakes += !root_regions_remove(((uint64_t)(number + 1) << 32) + i, 64);
	}
}

static void threads_may_add_and_remove_at_once(void **state)
{
	struct lib_crowd crowd;

	(void)state;
	lib_crowd_start(&crowd, THREADS, come_and_go, NULL);
	lib_crowd_join(&crowd);
	assert_int_equal(mistakes, 0);
	assert_int_equal(count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_there_until_it_is_removed),
		cmocka_unit_test(what_is_no_memory_is_no_region),
		cmocka_unit_test(there_may_be_many),
		cmocka_unit_test(threads_may_add_and_remove_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
