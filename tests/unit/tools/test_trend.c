/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trend: when growth began. (What rises and how fast is tested with verdicts.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/model/trend.h"

#define STEPS 40
#define RUNS 500

static unsigned poisson(double mean)
{
	double limit = exp(-mean), product = drand48();
	unsigned count = 0;
	for (; product > limit; count++)
		product *= drand48();
	return count;
}

/* What adds up from step `start` on, `mean` of it at each. */
static size_t kink_of_random_growth(size_t start, double mean)
{
	double times[STEPS], values[STEPS], sum = 0;
	for (size_t i = 0; i < STEPS; i++) {
		times[i] = (double)i;
		sum += i >= start ? poisson(mean) : 0;
		values[i] = sum;
	}
	return trend_kink(times, values, STEPS);
}

static void what_grows_from_the_start_has_no_other_beginning(void **state)
{
	(void)state;
	unsigned late = 0;
	printf("    seed 11\n");
	srand48(11);
	for (int run = 0; run < RUNS; run++)
		late += kink_of_random_growth(0, run % 2 ? 1.5 : 20) > 0;
	printf("    %u of %u begin late\n", late, RUNS);
	assert_true(late <= RUNS * 4 / 100);
}

static void a_late_beginning_is_found(void **state)
{
	(void)state;
	unsigned near = 0;
	printf("    seed 12\n");
	srand48(12);
	for (int run = 0; run < RUNS; run++) {
		size_t start = 12 + (size_t)(lrand48() % 20);
		size_t kink = kink_of_random_growth(start, 5);
		near += kink + 5 >= start && kink <= start + 4;
	}
	printf("    %u of %u are near\n", near, RUNS);
	assert_true(near >= RUNS * 97 / 100);
}

static void a_straight_line_and_a_level_one_begin_at_the_start(void **state)
{
	(void)state;
	const double times[] = {1, 2, 3, 4, 5, 6}, line[] = {2, 4, 6, 8, 10, 12};
	const double level[] = {7, 7, 7, 7, 7, 7}, late[] = {7, 7, 7, 8, 9, 10};
	assert_int_equal(trend_kink(times, line, 6), 0);
	assert_int_equal(trend_kink(times, level, 6), 0);
	assert_int_equal(trend_kink(times, late, 6), 2);
	assert_int_equal(trend_kink(times, line, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_grows_from_the_start_has_no_other_beginning),
		cmocka_unit_test(a_late_beginning_is_found),
		cmocka_unit_test(a_straight_line_and_a_level_one_begin_at_the_start),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
