/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_survivors: which blocks have reached an age, in time and in allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tools/model/cohort_series.h"
#include "tools/model/survivors.h"

#define STEPS 41

/* Of each period's `births` one block lives on. Snapshots 0.1 s apart: no sum of those is exact. */
static struct cohort_series *series_new(double births)
{
	struct cohort_series *series = calloc(1, sizeof(*series));
	assert_non_null(series);
	series->count = STEPS;
	series->unit = 1;
	series->single_epochs = 1000;
	for (size_t step = 0; step < STEPS; step++) {
		series->is_cut[step] = true;
		series->epoch[step] = (uint32_t)step + 1;
		series->time_s[step] = (step ? series->time_s[step - 1] : 0) + 0.1;
		series->births[step] = births * (double)(step + 1);
		for (size_t period = 0; period <= step; period++)
			series->blocks[step][period] = (double)period + 1;
		series->live_blocks[step] = series->blocks[step][step];
	}
	return series;
}

/* Where as many are born in each period, an age of so many births is one of so many periods, whatever
 * rounding makes of the share of all. */
static void an_age_in_births_is_whole_periods_under_an_even_load(void **state)
{
	(void)state;
	for (double births = 1; births < 40; births++) {
		struct cohort_series *series = series_new(births);
		struct survey survey = survey_make(series, 0.15, 0.25);
		for (size_t steps = 1; steps <= 18; steps++) {
			struct survivors by_time, by_births;
			bool has_time = survivors_at(&by_time, &survey, steps);
			assert_int_equal(survivors_at_births(&by_births, &survey,
							     (double)steps / (STEPS - 1)),
					 has_time);
			if (!has_time)
				continue;
			assert_int_equal(by_births.end, by_time.end);
			assert_int_equal(by_births.start, by_time.start);
			assert_true(by_births.arrived == by_time.arrived);
		}
		free(series);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_age_in_births_is_whole_periods_under_an_even_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
