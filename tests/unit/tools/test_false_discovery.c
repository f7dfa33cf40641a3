/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_false_discovery: thousands of sites that rise by luck, and a few that do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/corpus/simulated/simulated_random.h"
#include "tools/model/false_discovery.h"

#define SEED 5

static void the_example_of_the_paper_comes_out(void **state)
{
	(void)state;
	/* Benjamini and Hochberg 1995, section 4.1: the first four of these fifteen. */
	double p_values[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
			     0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
	double limit = false_discovery_limit(p_values, 15, 0.05);
	assert_true(limit == 0.0095);
}

static void the_order_does_not_matter(void **state)
{
	(void)state;
	double p_values[] = {0.5, 0.001, 0.9, 0.012, 0.02, 0.7};
	assert_true(false_discovery_limit(p_values, 6, 0.05) == 0.02);
}

static void none_is_none(void **state)
{
	(void)state;
	double p_values[] = {0.5, 0.2, 0.9};
	assert_true(false_discovery_limit(p_values, 3, 0.05) < 0);
	assert_true(false_discovery_limit(p_values, 0, 0.05) < 0);
}

/* 20 real ones among 10,000: of what is called one, at most a twentieth is luck. */
static void luck_is_kept_to_its_share(void **state)
{
	(void)state;
	enum { ROUNDS = 40, SITES = 10000, REAL = 20 };
	struct random_source random = random_from(SEED, 0);
	double *p_values = malloc(SITES * sizeof(*p_values));
	double *lucky = malloc(SITES * sizeof(*lucky));
	assert_non_null(p_values);
	assert_non_null(lucky);
	double wrong = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < SITES; i++)
			p_values[i] = lucky[i] = i < REAL ? 1e-9 : random_uniform(&random, 0, 1);
		double limit = false_discovery_limit(p_values, SITES, 0.05);
		assert_true(limit >= 1e-9);
		double called = 0;
		for (int i = REAL; i < SITES; i++)
			called += lucky[i] <= limit;
		wrong += called / (called + REAL);
	}
	print_message("    seed %d: %.3f of the discoveries are luck\n", SEED, wrong / ROUNDS);
	assert_true(wrong / ROUNDS < 0.07);
	free(p_values);
	free(lucky);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_paper_comes_out),
		cmocka_unit_test(the_order_does_not_matter),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(luck_is_kept_to_its_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
