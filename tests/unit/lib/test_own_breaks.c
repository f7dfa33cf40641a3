/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_own_breaks: which parts of the program break's memory are the program's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/record/own_breaks.h"

static void assert_part(uint32_t number, uint64_t wanted_start, uint64_t wanted_end)
{
	uint64_t start, end;

	own_breaks_at(number, &start, &end);
	assert_int_equal(start, wanted_start);
	assert_int_equal(end, wanted_end);
}

/* As a program does that ends what it began: the next test finds none. */
static int give_all_back(void **state)
{
	(void)state;
	own_breaks_note(1u << 30, 0);
	assert_int_equal(own_breaks_count(), 0);
	return 0;
}

static void neighbours_are_one(void **state)
{
	(void)state;
	own_breaks_note(1000, 2000);
	own_breaks_note(2000, 3000);
	own_breaks_note(5000, 6000);
	assert_int_equal(own_breaks_count(), 2);
	assert_part(0, 1000, 3000);
	assert_part(1, 5000, 6000);
}

static void what_is_given_back_is_gone(void **state)
{
	(void)state;
	own_breaks_note(1000, 2000);
	own_breaks_note(4000, 6000);
	own_breaks_note(7000, 9000);
	own_breaks_note(9000, 5000);
	assert_int_equal(own_breaks_count(), 2);
	assert_part(1, 4000, 5000);
	own_breaks_note(5000, 5000);
	own_breaks_note(5000, 3000);
	assert_int_equal(own_breaks_count(), 1);
	own_breaks_note(3000, 4000);
	assert_part(1, 3000, 4000);
}

static void too_many_are_counted(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 2 * OWN_BREAKS_MAX; i++)
		own_breaks_note(10 + 100 * i, 20 + 100 * i);
	assert_int_equal(own_breaks_count(), OWN_BREAKS_MAX + 1);
	assert_part(OWN_BREAKS_MAX - 1, 10 + 100 * (OWN_BREAKS_MAX - 1),
		    20 + 100 * (OWN_BREAKS_MAX - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(neighbours_are_one, give_all_back),
		cmocka_unit_test_teardown(what_is_given_back_is_gone, give_all_back),
		cmocka_unit_test(too_many_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
