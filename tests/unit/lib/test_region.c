/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_region: the list of our own mappings, by which a scan leaves them out, and their pages.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/region.h"
#include "tests/support/lib_huge_pages.h"

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

#define HUGE LIB_HUGE_PAGE_BYTES
#define PARTS 6u

static char *parts;
static atomic_bool is_over;
static uint64_t rounds;

/* Goes on counting in a page of each part, as a program does in its tables. */
static void *count_on(void *unused)
{
	while (!atomic_load(&is_over)) {
		rounds++;
		for (uint32_t part = 0; part < PARTS; part++)
			*(uint64_t *)(parts + part * HUGE + 8 * BYTES) = rounds;
	}
	return unused;
}

static void gathers_pages_of_full_parts_only(void **state)
{
	char *region = region_map((PARTS + 1) * HUGE, REGION_KEPT_ON_FORK);
	pthread_t counting;

	(void)state;
	assert_non_null(region);
	parts = (char *)(((uintptr_t)region + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	/* The first four but for a page; of the fifth a half; of the last one that in which is counted. */
	for (uint32_t part = 0; part < PARTS; part++)
		for (uint32_t page = part < 4 ? 1 : 0; page < (part < 4	   ? 512
							       : part == 4 ? 256
									   : 0);
		     page++)
			memset(parts + part * HUGE + page * BYTES, (int)(part * 31 + page) | 1,
			       BYTES);
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&counting, NULL, count_on, NULL), 0);
	if (!region_gather_pages(region, (PARTS + 1) * HUGE)) {
		atomic_store(&is_over, true);
		pthread_join(counting, NULL);
		print_message("the kernel does not make huge pages here\n");
		skip();
	}
	assert_int_equal(lib_huge_pages_in(parts, PARTS * HUGE), 4);
	atomic_store(&is_over, true);
	pthread_join(counting, NULL);
	for (uint32_t part = 0; part < PARTS; part++) {
		assert_int_equal(*(uint64_t *)(parts + part * HUGE + 8 * BYTES), rounds);
		for (uint32_t page = part < 4 ? 1 : 0; page < (part < 4	   ? 512
							       : part == 4 ? 256
									   : 0);
		     page++)
			for (uint32_t i = page == 8 ? 8 : 0; i < BYTES; i += 61)
				assert_int_equal(parts[part * HUGE + page * BYTES + i],
						 (char)((part * 31 + page) | 1));
	}
	/* Nothing new. */
	assert_true(region_gather_pages(region, (PARTS + 1) * HUGE));
	assert_int_equal(lib_huge_pages_in(parts, PARTS * HUGE), 4);
	region_unmap(region, (PARTS + 1) * HUGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_each_of_many_once),
		cmocka_unit_test(uses_numbers_again),
		cmocka_unit_test(gathers_pages_of_full_parts_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
