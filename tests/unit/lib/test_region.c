/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_region: the list of our own mappings, by which a scan leaves them out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/region.h"

#define MANY 5000u
#define BYTES 4096u

static void *regions[MANY];

static uint32_t times_listed(const void *start)
{
	uintptr_t listed;
	uint32_t times = 0;
	size_t bytes;

	for (size_t number = 0; region_at(number, &listed, &bytes); number++) {
		if (listed != (uintptr_t)start)
			continue;
		assert_int_equal(bytes, BYTES);
		times++;
	}
	return times;
}

static size_t count_listed(void)
{
	uintptr_t start;
	size_t count = 0, bytes;

	for (size_t number = 0; region_at(number, &start, &bytes); number++)
		count += bytes != 0;
	return count;
}

static void lists_each_of_many_once(void **state)
{
	size_t before = count_listed();

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		regions[i] = region_map(BYTES, REGION_KEPT_ON_FORK);
		assert_non_null(regions[i]);
	}
	assert_int_equal(count_listed(), before + MANY);
	for (uint32_t i = 0; i < MANY; i += 97)
		assert_int_equal(times_listed(regions[i]), 1);
	for (uint32_t i = 0; i < MANY; i += 2)
		region_unmap(regions[i], BYTES);
	assert_int_equal(count_listed(), before + MANY / 2);
	assert_int_equal(times_listed(regions[0]), 0);
	assert_int_equal(region_bytes_at(regions[0]), 0);
	assert_int_equal(region_bytes_at(regions[1]), BYTES);
}

static void uses_numbers_again(void **state)
{
	size_t number = 0, numbers = 0, bytes;
	uintptr_t start;

	(void)state;
	while (region_at(numbers, &start, &bytes))
		numbers++;
	for (uint32_t i = 0; i < MANY; i += 2)
		regions[i] = region_map(BYTES, REGION_KEPT_ON_FORK);
	while (region_at(number, &start, &bytes))
		number++;
	assert_int_equal(number, numbers);
	for (uint32_t i = 0; i < MANY; i++)
		region_unmap(regions[i], BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_each_of_many_once),
		cmocka_unit_test(uses_numbers_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
