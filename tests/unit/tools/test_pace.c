/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pace: what comes ever slower, and what only seems to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/corpus/simulated/simulated_random.h"
#include "tools/model/pace.h"

#define MAX_COUNT 64
#define SEED 11

static double amounts[MAX_COUNT], clock_steps[MAX_COUNT];

static void even_amounts_do_not_decline(void **state)
{
	(void)state;
	for (size_t i = 0; i < 30; i++) {
		amounts[i] = 10;
		clock_steps[i] = 2;
	}
	struct pace pace = pace_fit(amounts, clock_steps, 30);
	assert_true(fabs(pace.decline) < 1e-6);
	assert_true(pace.error > 0 && pace.error < 0.2);
}

static void a_decline_is_found_as_it_is(void **state)
{
	(void)state;
	for (double decline = -4; decline <= 8; decline += 1.5) {
		for (size_t i = 0; i < 40; i++) {
			amounts[i] = 1000 * exp(-decline * ((double)i + 0.5) / 40);
			clock_steps[i] = 1;
		}
		struct pace pace = pace_fit(amounts, clock_steps, 40);
		assert_true(fabs(pace.decline - decline) < 0.01);
	}
}

static void a_clock_that_goes_slower_explains_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		amounts[i] = 1000 * exp(-2.0 * (double)i / 40);
		clock_steps[i] = amounts[i] * 7;
	}
	assert_true(fabs(pace_fit(amounts, clock_steps, 40).decline) < 1e-6);
}

static void periods_may_have_any_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		clock_steps[i] = pow(1.1, (double)i);
		amounts[i] = 3 * clock_steps[i];
	}
	struct pace pace = pace_fit(amounts, clock_steps, 40);
	assert_true(fabs(pace.decline) < 1e-6);
}

/* Of two thousand fits to Poisson counts, even and in bursts, about 95 % lie within 1.96 errors. */
static void the_error_is_what_chance_makes(void **state)
{
	(void)state;
	struct random_source random = random_from(SEED, 0);
	for (int bursts = 0; bursts < 2; bursts++) {
		unsigned within = 0;
		enum { ROUNDS = 2000 };
		for (int round = 0; round < ROUNDS; round++) {
			for (size_t i = 0; i < 40; i++) {
				bool is_silent = bursts && random_uniform(&random, 0, 1) < 0.6;
				amounts[i] = is_silent ? 0 : (double)random_poisson(&random, 12);
				clock_steps[i] = 1;
			}
			struct pace pace = pace_fit(amounts, clock_steps, 40);
			within += fabs(pace.decline) <= 1.96 * pace.error;
		}
		print_message("    seed %d, %s: %.3f within 1.96 errors\n", SEED,
			      bursts ? "bursts" : "even", (double)within / ROUNDS);
		assert_in_range(within, ROUNDS * 0.90, ROUNDS * 0.98);
	}
}

static void nothing_to_fit_is_said_to_be_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		amounts[i] = 0;
		clock_steps[i] = 1;
	}
	assert_true(isinf(pace_fit(amounts, clock_steps, 40).error));
	amounts[3] = 5;
	assert_true(isinf(pace_fit(amounts, clock_steps, 2).error));
	for (size_t i = 0; i < 40; i++)
		clock_steps[i] = 0;
	assert_true(isinf(pace_fit(amounts, clock_steps, 40).error));
}

static void all_at_one_end_is_a_limit_and_no_trap(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		amounts[i] = i == 0 ? 1e9 : 0;
		clock_steps[i] = 1;
	}
	struct pace pace = pace_fit(amounts, clock_steps, 40);
	assert_true(pace.decline > 5 && isfinite(pace.decline) && !isnan(pace.error));
	amounts[0] = 0;
	amounts[39] = 1e9;
	pace = pace_fit(amounts, clock_steps, 40);
	assert_true(pace.decline < -5 && isfinite(pace.decline) && !isnan(pace.error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_amounts_do_not_decline),
		cmocka_unit_test(a_decline_is_found_as_it_is),
		cmocka_unit_test(a_clock_that_goes_slower_explains_it),
		cmocka_unit_test(periods_may_have_any_length),
		cmocka_unit_test(the_error_is_what_chance_makes),
		cmocka_unit_test(nothing_to_fit_is_said_to_be_unknown),
		cmocka_unit_test(all_at_one_end_is_a_limit_and_no_trap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
