/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scratch: what is kept for the next snapshot comes back clean, and goes when told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/region.h"
#include "lib/base/scratch.h"

static bool is_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void gives_the_same_piece_again_and_clean(void **state)
{
	uint8_t *first = scratch_map(100000), *again;

	(void)state;
	assert_true(is_zero(first, 100000));
	memset(first, 0xff, 100000);
	scratch_unmap(first, 100000);
	/* A little more than before fits too. */
	again = scratch_map(120000);
	assert_ptr_equal(again, first);
	assert_true(is_zero(again, 120000));
	scratch_unmap(again, 120000);
	scratch_forget();
}

static void keeps_no_more_than_a_few_and_forgets_them(void **state)
{
	size_t before = region_mapped_bytes();
	void *pieces[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		pieces[i] = scratch_map(1 << 20);
	assert_int_equal(region_mapped_bytes() - before, 20 << 20);
	for (int i = 0; i < 20; i++)
		scratch_unmap(pieces[i], 1 << 20);
	assert_int_equal(region_mapped_bytes() - before, 4 << 20);
	scratch_forget();
	assert_int_equal(region_mapped_bytes(), before);
}

static void gives_nothing_larger_than_there_is(void **state)
{
	(void)state;
	assert_null(scratch_map((size_t)1 << 50));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_same_piece_again_and_clean),
		cmocka_unit_test(keeps_no_more_than_a_few_and_forgets_them),
		cmocka_unit_test(gives_nothing_larger_than_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
