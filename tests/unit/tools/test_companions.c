/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_companions: how unlikely it is that two leaks keep as many blocks by chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tools/model/companions.h"

#define PERIODS 32
#define CERTAIN 1e-6
#define TRIALS 2000

/* xorshift64*: the same numbers in each run. */
static uint64_t random_state;

static double uniform(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (double)((random_state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static double poisson(double mean)
{
	double count = 0;
	for (; mean > 50; mean -= 50)
		count += poisson(50);
	for (double product = uniform(); product > exp(-mean); product *= uniform())
		count++;
	return count;
}

static void draw(double *kept, double mean)
{
	for (size_t i = 0; i < PERIODS; i++)
		kept[i] = poisson(mean);
}

static void the_same_number_in_each_period_is_no_chance(void **state)
{
	static const double means[] = {1, 3, 40, 5000};
	double one[PERIODS], twice[PERIODS];
	(void)state;
	random_state = 1;
	for (size_t i = 0; i < sizeof(means) / sizeof(*means); i++) {
		draw(one, means[i]);
		for (size_t p = 0; p < PERIODS; p++)
			twice[p] = 2 * one[p];
		assert_true(companions_chance(one, one, PERIODS) < CERTAIN);
		assert_true(companions_chance(one, twice, PERIODS) < CERTAIN);
		assert_true(companions_chance(twice, one, PERIODS) < CERTAIN);
	}
}

/* A session of one period, the buffer of which is born in the next. */
static void a_block_may_be_born_on_the_other_side_of_a_border(void **state)
{
	double one[PERIODS], other[PERIODS];
	(void)state;
	random_state = 2;
	draw(one, 3);
	for (size_t p = 0; p < PERIODS; p++)
		other[p] = one[p];
	other[4]++;
	other[5] -= other[5] > 0;
	assert_true(companions_chance(one, other, PERIODS) < CERTAIN);
}

/* Pairs at one rate, half of them with a load that both follow: what is called as unlikely as one in a hundred
 * happens no more often than that. */
static void equal_rates_are_chance(void **state)
{
	static const double means[] = {0.5, 2, 20, 3000};
	size_t below_hundredth = 0, below_thousandth = 0;
	(void)state;
	random_state = 3;
	for (size_t trial = 0; trial < TRIALS; trial++) {
		double one[PERIODS], other[PERIODS];
		bool has_load = trial & 1;
		for (size_t p = 0; p < PERIODS; p++) {
			double mean = means[trial / 2 % 4] * (has_load ? (p % 8 ? 0.1 : 8) : 1);
			one[p] = poisson(mean);
			other[p] = poisson(mean);
		}
		double chance = companions_chance(one, other, PERIODS);
		below_hundredth += chance < 0.01;
		below_thousandth += chance < 0.001;
		assert_true(chance > CERTAIN);
	}
	assert_true(below_hundredth <= TRIALS / 100);
	assert_true(below_thousandth <= TRIALS / 1000);
}

static void a_few_blocks_prove_nothing(void **state)
{
	const double five[PERIODS] = {[3] = 1, [9] = 1, [12] = 1, [20] = 1, [30] = 1};
	const double none[PERIODS] = {0};
	(void)state;
	assert_true(companions_chance(five, five, PERIODS) > 1e-3);
	assert_true(companions_chance(five, none, PERIODS) == 1);
	assert_true(companions_chance(none, none, PERIODS) == 1);
	assert_true(companions_chance(five, five, 0) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_number_in_each_period_is_no_chance),
		cmocka_unit_test(a_block_may_be_born_on_the_other_side_of_a_border),
		cmocka_unit_test(equal_rates_are_chance),
		cmocka_unit_test(a_few_blocks_prove_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
