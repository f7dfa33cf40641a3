/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sample_weight: the arithmetic of sampling, against libm's and against chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "lib/record/sample_weight.h"
#include "tests/support/lib_random.h"

#define TRIALS 200000u
#define BINS 64u

/* Spread over all sizes: 1 to 2^bits. */
static uint64_t any_size(struct lib_random *random, unsigned bits)
{
	uint64_t size = lib_random_next(random) >> (64 - 1 - lib_random_below(random, bits));

	return size == 0 ? 1 : size;
}

static void check_log2(uint64_t draw)
{
	long double wanted = 64 - log2l((long double)draw);
	long double found = (long double)sample_minus_log2(draw) / 0x1p32L;

	if (fabsl(found - wanted) > 0x1p-31L)
		fail_msg("-log2 of %llu is %Lg, not %Lg", (unsigned long long)draw, wanted, found);
}

static void the_logarithm_is_that_of_libm(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (int bit = 0; bit < 64; bit++)
		for (int around = -1; around <= 1; around++)
			if ((1ull << bit) + (uint64_t)(int64_t)around != 0)
				check_log2((1ull << bit) + (uint64_t)(int64_t)around);
	check_log2(UINT64_MAX);
	for (uint32_t i = 0; i < TRIALS; i++)
		check_log2(any_size(&random, 63));
}

static void check_probability(uint64_t length, uint64_t mean)
{
	long double wanted = -expm1l(-(long double)length / (long double)mean);
	long double found = (long double)sample_probability(length, mean) / 0x1p63L;

	if (fabsl(found - wanted) > 0x1p-31L * wanted)
		fail_msg("of length %llu and mean %llu: %.12Lg, not %.12Lg",
			 (unsigned long long)length, (unsigned long long)mean, found, wanted);
}

static void the_probability_is_that_of_libm(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (uint32_t i = 0; i < TRIALS; i++)
		check_probability(any_size(&random, 63), any_size(&random, 30));
	for (uint64_t mean = 1; mean <= SAMPLE_MEAN_MAX; mean *= 2)
		for (uint64_t length = 1; length <= 64 * mean; length *= 2) {
			check_probability(length, mean);
			check_probability(length + 1, mean);
		}
	check_probability(UINT64_MAX, SAMPLE_MEAN_MAX);
	check_probability(1, SAMPLE_MEAN_MAX);
}

static void a_weight_is_one_through_the_probability(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (uint32_t i = 0; i < TRIALS; i++) {
		uint64_t bytes = any_size(&random, 40) - 1, mean = any_size(&random, 30);
		struct sample_weight weight = sample_weight_of(bytes, mean);
		long double one = 1 / -expm1l(-(long double)(bytes + 1) / (long double)mean);

		assert_true(fabsl((long double)weight.blocks - 0x1p16L * one) <=
			    0.5L + 0x1p16L * 0x1p-30L * one);
		assert_true(fabsl((long double)weight.bytes - 0x1p8L * (long double)bytes * one) <=
			    0.5L + 0x1p8L * 0x1p-30L * (long double)bytes * one);
		assert_true(weight.blocks >= SAMPLE_ONE_BLOCK);
	}
}

static void a_block_much_larger_than_the_mean_stands_for_itself(void **state)
{
	(void)state;
	for (uint64_t mean = 1; mean <= SAMPLE_MEAN_MAX; mean *= 2) {
		struct sample_weight weight = sample_weight_of(44 * mean, mean);

		assert_int_equal(weight.blocks, SAMPLE_ONE_BLOCK);
		assert_int_equal(weight.bytes, 44 * mean << SAMPLE_BYTE_BITS);
	}
	/* With a mean of 1 that is nearly every block. */
	for (uint64_t bytes = 16; bytes < 100; bytes++) {
		assert_int_equal(sample_round(sample_weight_of(bytes, 1).blocks, SAMPLE_BLOCK_BITS),
				 1);
		assert_int_equal(sample_round(sample_weight_of(bytes, 1).bytes, SAMPLE_BYTE_BITS),
				 bytes);
	}
}

static void sums_are_rounded_to_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(sample_round(0, 16), 0);
	assert_int_equal(sample_round(0x7fff, 16), 0);
	assert_int_equal(sample_round(0x8000, 16), 1);
	assert_int_equal(sample_round(0x17fff, 16), 1);
	assert_int_equal(sample_round(3 << 8, 8), 3);
}

/* Each of BINS parts of the exponential distribution is met equally often: chi-square, with 63
 * degrees of freedom above 150 once in 10^9 times. */
static void distances_are_exponential(void **state)
{
	static const uint64_t means[] = {65536, 524288, 16 << 20, SAMPLE_MEAN_MAX};
	struct lib_random random = lib_random_start();

	(void)state;
	for (size_t m = 0; m < sizeof(means) / sizeof(means[0]); m++) {
		const double mean = (double)means[m];
		uint32_t counts[BINS] = {0};
		double chi_square = 0, sum = 0;

		for (uint32_t i = 0; i < TRIALS; i++) {
			double distance =
				(double)sample_distance(lib_random_next(&random), means[m]);
			/* What was rounded down lies anywhere up to one byte further. */
			double part = 1 - exp(-(distance + 0.5) / mean);

			counts[(uint32_t)(part * BINS)]++;
			sum += distance;
		}
		for (uint32_t bin = 0; bin < BINS; bin++) {
			double expected = (double)TRIALS / BINS;

			chi_square +=
				(counts[bin] - expected) * (counts[bin] - expected) / expected;
		}
		printf("          mean %.0f of %.0f, chi-square %.1f\n", sum / TRIALS, mean,
		       chi_square);
		assert_true(chi_square < 150);
		/* The mean of n draws is off by mean / sqrt(n): five times that. */
		assert_true(fabs(sum / TRIALS - mean) < 5 * mean / sqrt(TRIALS) + 1);
	}
}

/* With so small a mean the rounding shows: each whole distance has its own probability. Chi-square with
 * 40 degrees of freedom is above 115 once in 10^9 times. */
static void short_distances_are_geometric(void **state)
{
	enum { MEAN = 10, DISTANCES = 40 };
	struct lib_random random = lib_random_start();
	uint32_t counts[DISTANCES + 1] = {0};
	double chi_square = 0;

	(void)state;
	for (uint32_t i = 0; i < TRIALS; i++) {
		uint64_t distance = sample_distance(lib_random_next(&random), MEAN);

		counts[distance < DISTANCES ? distance : DISTANCES]++;
	}
	for (int i = 0; i <= DISTANCES; i++) {
		double part = exp(-(double)i / MEAN) * (i < DISTANCES ? -expm1(-1.0 / MEAN) : 1);
		double expected = part * TRIALS;

		chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
	}
	printf("          chi-square %.1f\n", chi_square);
	assert_true(chi_square < 115);
}

static void every_draw_has_a_distance(void **state)
{
	(void)state;
	assert_int_equal(sample_distance(UINT64_MAX, SAMPLE_MEAN_MAX), 0);
	assert_true(sample_distance(0, SAMPLE_MEAN_MAX) == sample_distance(1, SAMPLE_MEAN_MAX));
	assert_true(sample_distance(0, SAMPLE_MEAN_MAX) < 45 * SAMPLE_MEAN_MAX);
	assert_true(sample_distance(0, 1) == 44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_logarithm_is_that_of_libm),
		cmocka_unit_test(the_probability_is_that_of_libm),
		cmocka_unit_test(a_weight_is_one_through_the_probability),
		cmocka_unit_test(a_block_much_larger_than_the_mean_stands_for_itself),
		cmocka_unit_test(sums_are_rounded_to_the_nearest),
		cmocka_unit_test(distances_are_exponential),
		cmocka_unit_test(short_distances_are_geometric),
		cmocka_unit_test(every_draw_has_a_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
