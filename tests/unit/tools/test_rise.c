/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rise: sites that leaked for a while and are not asked for anything any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/cohort_series.h"
#include "tools/model/verdict.h"

#define STEPS 60
#define WORK 1000.0 /* allocations of other sites in a period */

/* In each period `births[]` blocks, of which every third is kept and the others are freed at once; other
 * sites allocate up to the period `idle`. */
static enum verdict judge(const double *births, size_t idle)
{
	static struct cohort_series series;
	double kept = 0;

	series = (struct cohort_series){.count = STEPS, .unit = 1, .single_epochs = STEPS};
	for (size_t step = 0; step < STEPS; step++) {
		double before = step ? series.births[step - 1] : 0;
		kept += births[step] / 3;
		series.is_cut[step] = true;
		series.epoch[step] = (uint32_t)step + 1;
		series.time_s[step] = (double)step + 1;
		series.others[step] = WORK * (double)(step < idle ? step : idle);
		series.births[step] = before + births[step];
		series.birth_bytes[step] = 64 * series.births[step];
		series.live_blocks[step] = kept;
		series.live_bytes[step] = 64 * kept;
		for (size_t period = 0; period <= step; period++) {
			double born = period ? series.blocks[step][period - 1] : 0;
			series.blocks[step][period] = born + births[period] / 3;
			series.bytes[step][period] = 64 * series.blocks[step][period];
		}
	}
	return verdict_judge_series(&series, NULL).verdict;
}

static enum verdict judge_until(size_t end, size_t idle)
{
	double births[STEPS] = {0};
	for (size_t step = 0; step < end; step++)
		births[step] = 6 + 3 * (double)(step % 3);
	return judge(births, idle);
}

static void what_goes_on_leaks(void **state)
{
	(void)state;
	assert_int_equal(judge_until(STEPS, STEPS), VERDICT_LEAK);
}

static void what_is_not_asked_any_more_while_others_work_does_not(void **state)
{
	(void)state;
	assert_int_equal(judge_until(STEPS * 2 / 3, STEPS), VERDICT_PLATEAU);
}

static void while_the_whole_program_rests_nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(judge_until(STEPS * 2 / 3, STEPS * 2 / 3), VERDICT_LEAK);
}

static void what_comes_in_bursts_may_come_again(void **state)
{
	(void)state;
	double births[STEPS] = {0};
	for (size_t step = 0; step < STEPS; step++)
		births[step] = step % 9 == 3 ? 60 : 0;
	assert_int_equal(judge(births, STEPS), VERDICT_LEAK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_on_leaks),
		cmocka_unit_test(what_is_not_asked_any_more_while_others_work_does_not),
		cmocka_unit_test(while_the_whole_program_rests_nothing_is_known),
		cmocka_unit_test(what_comes_in_bursts_may_come_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
