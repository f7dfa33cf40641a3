/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_steady_growth: what keeps growing is told from noise, wandering, waves, warm-ups and steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tests/corpus/simulated/simulated_random.h"
#include "tools/model/steady_growth.h"
#include "tools/model/trend.h"

#define SEED 7
#define ROUNDS 1000
#define MAX_COUNT TREND_MAX_POINTS

enum shape {
	NOISE,
	RANDOM_WALK,
	WAVE,
	ONE_STEP,
	WARM_UP,
	LOGARITHM,
	FULL_AT_HALF,
	STEADY,
	NOISY_STEADY,
	EVER_FASTER,
};

static const char *const names[] = {
	[NOISE] = "noise",
	[RANDOM_WALK] = "random walk",
	[WAVE] = "wave",
	[ONE_STEP] = "one step",
	[WARM_UP] = "warm-up",
	[LOGARITHM] = "logarithm",
	[FULL_AT_HALF] = "full at half",
	[STEADY] = "steady",
	[NOISY_STEADY] = "noisy steady",
	[EVER_FASTER] = "ever faster",
};

/* What of a process is seen after start-up: x from 0.15 to 1, at equal distances or, as snapshots are
 * taken, ever further apart. */
static struct steady_growth growth_of(enum shape shape, size_t count, bool has_equal_distances,
				      struct random_source *random)
{
	double times[MAX_COUNT], values[MAX_COUNT], walk = 0;
	double phase = random_uniform(random, 0, 1), waves = random_uniform(random, 2, 9);
	for (size_t i = 0; i < count; i++) {
		double part = (double)i / (double)(count - 1);
		double x = has_equal_distances ? 0.15 + 0.85 * part : 0.15 * pow(1 / 0.15, part);
		double noise = random_normal(random), y = 0.02 * noise;
		walk += random_normal(random);
		switch (shape) {
		case NOISE:
			y = noise;
			break;
		case RANDOM_WALK:
			y = walk;
			break;
		case WAVE:
			y += fmod(waves * part + phase, 1);
			break;
		case ONE_STEP:
			y += part > phase;
			break;
		case WARM_UP:
			y += 1 - exp(-x / 0.4);
			break;
		case LOGARITHM:
			y += log(x);
			break;
		case FULL_AT_HALF:
			y += fmin(x, 0.5);
			break;
		case STEADY:
			y += x;
			break;
		case NOISY_STEADY:
			y = 20 * x + noise;
			break;
		case EVER_FASTER:
			y += x * x;
			break;
		}
		times[i] = 1000 * x;
		values[i] = 1e8 + 1e6 * y;
	}
	return steady_growth_of(times, values, count);
}

static double share_of(enum shape shape, size_t count, bool has_equal_distances)
{
	struct random_source random = random_from(SEED, (uint64_t)shape);
	size_t grown = 0;
	for (size_t i = 0; i < ROUNDS; i++)
		grown += growth_of(shape, count, has_equal_distances, &random).goes_on;
	double share = (double)grown / ROUNDS;
	print_message("    seed %d, %s, %zu values%s: %.3f grow\n", SEED, names[shape], count,
		      has_equal_distances ? " at equal distances" : "", share);
	return share;
}

static void what_only_moves_does_not_grow(void **state)
{
	(void)state;
	for (int shape = NOISE; shape <= FULL_AT_HALF; shape++)
		for (int way = 0; way < 2; way++)
			assert_true(share_of((enum shape)shape, way ? 60 : 30, way) <= 0.02);
}

static void what_goes_on_grows(void **state)
{
	(void)state;
	for (int shape = STEADY; shape <= EVER_FASTER; shape++)
		for (int way = 0; way < 2; way++)
			assert_true(share_of((enum shape)shape, way ? 60 : 30, way) >= 0.95);
}

static void the_rate_is_right(void **state)
{
	(void)state;
	double times[20], values[20];
	for (size_t i = 0; i < 20; i++) {
		times[i] = 10.0 * (double)i;
		values[i] = 5000 + 300 * times[i] + (i % 2 ? 40 : -40);
	}
	values[7] += 1e7; /* moves nothing */
	struct steady_growth growth = steady_growth_of(times, values, 20);
	assert_true(growth.is_measured && growth.goes_on);
	assert_true(fabs(growth.per_second - 300) < 1);
	assert_true(growth.low <= 300 && growth.high >= 300 && growth.low > 290);
	assert_true(fabs(growth.grown - 300 * 190) < 200);
	assert_true(growth.confidence > 0.99 && growth.confidence <= 1);
}

static void too_few_values_say_nothing(void **state)
{
	(void)state;
	double times[STEADY_GROWTH_MIN_POINTS], values[STEADY_GROWTH_MIN_POINTS];
	for (size_t i = 0; i < STEADY_GROWTH_MIN_POINTS; i++)
		times[i] = values[i] = (double)i;
	assert_false(steady_growth_of(times, values, 0).is_measured);
	assert_false(steady_growth_of(times, values, STEADY_GROWTH_MIN_POINTS - 1).is_measured);
	assert_true(steady_growth_of(times, values, STEADY_GROWTH_MIN_POINTS).is_measured);
	/* Nor do values of one moment. */
	for (size_t i = 0; i < STEADY_GROWTH_MIN_POINTS; i++)
		times[i] = 5;
	assert_false(steady_growth_of(times, values, STEADY_GROWTH_MIN_POINTS).is_measured);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_moves_does_not_grow),
		cmocka_unit_test(what_goes_on_grows),
		cmocka_unit_test(the_rate_is_right),
		cmocka_unit_test(too_few_values_say_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
