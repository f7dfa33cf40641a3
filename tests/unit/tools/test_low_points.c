/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_low_points: where a sawtooth is lowest, and what is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/low_points.h"

#define COUNT 30

static void low_points_lie_at_different_sweeps(void **state)
{
	(void)state;
	double values[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		values[i] = 100 + (double)((i + 3) % 12);
	/* Twice lower at one sweep. */
	values[8] = values[9] = 95;
	struct low_points low = low_points_find(values, COUNT);
	assert_int_equal(low.first, 8);
	assert_int_equal(low.last, 21);
}

static void of_equal_ones_those_furthest_apart_are_taken(void **state)
{
	(void)state;
	double values[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		values[i] = i % 10 ? 50 : 40;
	struct low_points low = low_points_find(values, COUNT);
	assert_int_equal(low.first, 0);
	assert_int_equal(low.last, 20);
}

static void few_values_have_none(void **state)
{
	(void)state;
	const double values[] = {3};
	struct low_points low = low_points_find(values, 1);
	assert_int_equal(low.first, 0);
	assert_int_equal(low.last, 0);
}

static void a_few_deep_falls_are_sweeps(void **state)
{
	(void)state;
	double values[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		values[i] = (double)(i % 12);
	assert_true(low_points_are_of_sweeps(values, COUNT));
}

static void falls_all_the_time_are_none(void **state)
{
	(void)state;
	double values[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		values[i] = (double)(i % 2);
	assert_false(low_points_are_of_sweeps(values, COUNT));
}

static void what_falls_by_little_is_not_swept(void **state)
{
	(void)state;
	double values[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		values[i] = (double)i - (i >= 15 ? 5 : 0);
	assert_false(low_points_are_of_sweeps(values, COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(low_points_lie_at_different_sweeps),
		cmocka_unit_test(of_equal_ones_those_furthest_apart_are_taken),
		cmocka_unit_test(few_values_have_none),
		cmocka_unit_test(a_few_deep_falls_are_sweeps),
		cmocka_unit_test(falls_all_the_time_are_none),
		cmocka_unit_test(what_falls_by_little_is_not_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
