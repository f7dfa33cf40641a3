/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lasting_growth: of a site's growth only what stays counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>

#include "seep/snapshot_format.h"
#include "tools/model/cohort_series.h"
#include "tools/model/lasting_growth.h"

#define STEPS 40
#define FOREVER 1e9

/* One step each second from 1 s on; every cohort is kept apart. */
static struct cohort_series series;

static void start(void)
{
	series = (struct cohort_series){
		.count = STEPS, .unit = 1, .single_epochs = SEEP_SINGLE_EPOCHS_BEFORE_1_3};
	for (size_t i = 0; i < STEPS; i++) {
		series.time_s[i] = (double)i + 1;
		series.is_cut[i] = true;
		series.epoch[i] = (uint32_t)i + 1;
	}
}

static void add_block(double birth_s, double life_s, double bytes)
{
	for (size_t step = 0; step < STEPS; step++) {
		double now_s = series.time_s[step];
		if (birth_s > now_s)
			continue;
		series.births[step]++;
		series.birth_bytes[step] += bytes;
		if (birth_s + life_s <= now_s)
			continue;
		series.live_blocks[step]++;
		series.live_bytes[step] += bytes;
		for (size_t period = 0; period <= step; period++) {
			if (birth_s > series.time_s[period])
				continue;
			series.blocks[step][period]++;
			series.bytes[step][period] += bytes;
		}
	}
}

/* A number between 0 and 1, the same in each run of the test. */
static double chance(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) * 0x1p-53;
}

/* It has always been there, so that there are as many deaths as births. */
static void add_traffic(double blocks_per_s, double mean_life_s, double bytes)
{
	for (double birth_s = -5 * mean_life_s; birth_s < STEPS; birth_s += 1 / blocks_per_s)
		add_block(birth_s, -mean_life_s * log(1 - chance()), bytes);
}

static struct lasting_growth grown(void)
{
	return lasting_growth_make(&series, 0, false);
}

static void what_is_never_freed_counts_at_once(void **state)
{
	(void)state;
	start();
	add_block(0.5, FOREVER, 1000);
	add_block(39.9, FOREVER, 500);
	assert_true(grown().bytes == 500 && grown().blocks == 1 && grown().age_s == 0);
	/* Of a whole run, what was there at its first snapshot has grown as well. */
	struct lasting_growth all = lasting_growth_make(&series, 0, true);
	assert_true(all.bytes == 1500 && all.blocks == 2);
}

static void traffic_does_not_count_however_much_of_it_there_is(void **state)
{
	(void)state;
	for (int load = 10; load <= 1000; load *= 10) {
		for (double life_s = 0.1; life_s < 30; life_s *= 3) {
			start();
			add_traffic(load, life_s, 100000);
			assert_true(grown().bytes == 0);
			assert_true(isnan(grown().age_s));
		}
	}
}

static void more_traffic_in_the_end_is_still_traffic(void **state)
{
	(void)state;
	start();
	for (double birth_s = 0; birth_s < STEPS; birth_s += birth_s < 30 ? 0.01 : 0.002)
		add_block(birth_s, 3 * chance(), 1000);
	assert_true(series.live_bytes[STEPS - 1] > 2 * series.live_bytes[20]);
	assert_true(grown().bytes == 0);
}

static void a_leak_in_traffic_counts_for_about_itself(void **state)
{
	(void)state;
	start();
	add_traffic(500, 0.5, 1000);
	for (double birth_s = 0.1; birth_s < STEPS; birth_s += 0.2)
		add_block(birth_s, FOREVER, 1000);
	/* 195 blocks after the first snapshot. */
	struct lasting_growth growth = grown();
	assert_true(growth.blocks > 100 && growth.blocks < 195);
	assert_true(growth.age_s > 1 && growth.age_s < 10);
	assert_true(fabs(growth.bytes - 1000 * growth.blocks) < 1);
}

static void a_burst_that_is_kept_counts(void **state)
{
	(void)state;
	start();
	add_traffic(100, 0.5, 1000);
	for (int i = 0; i < 400; i++)
		add_block(30.5, FOREVER, 1000);
	assert_true(grown().blocks > 300 && grown().blocks <= 400);
}

static void a_full_cache_does_not_count_and_one_that_fills_does(void **state)
{
	(void)state;
	start();
	/* 200 entries; each new one drives out the oldest. */
	for (int i = 0; i < 40 * 20; i++)
		add_block((i - 200) / 20.0, 10, 1000);
	assert_true(grown().bytes == 0);
	start();
	for (int i = 0; i < 40 * 20; i++)
		add_block(i / 20.0, 100, 1000);
	assert_true(grown().bytes > 0);
}

static void old_cohorts_that_were_merged_are_looked_at_as_one(void **state)
{
	(void)state;
	start();
	add_traffic(500, 0.5, 1000);
	for (double birth_s = 0.1; birth_s < STEPS; birth_s += 0.2)
		add_block(birth_s, FOREVER, 1000);
	struct lasting_growth exact = grown();
	/* What a merged cohort says within itself is not to be believed, and not looked at. */
	for (size_t step = 0; step < STEPS; step++)
		for (size_t period = 0; period <= step; period++)
			if (!cohort_series_is_exact(&series, step, period))
				series.blocks[step][period] = series.bytes[step][period] = -1e6;
	for (size_t period = 0; period < STEPS; period++)
		series.is_cut[period] = cohort_series_is_exact(&series, STEPS - 1, period);
	assert_false(series.is_cut[0]);
	assert_true(fabs(grown().blocks - exact.blocks) < 0.3 * exact.blocks);
}

static void history_tells_how_long_blocks_live(void **state)
{
	(void)state;
	start();
	/* They live for 6 to 8 s, and most are born in the last 4 s. */
	for (double birth_s = 0; birth_s < STEPS; birth_s += birth_s < 36 ? 0.05 : 0.01)
		add_block(birth_s, 6 + 2 * chance(), 1000);
	assert_true(series.live_blocks[39] > 1.5 * series.live_blocks[33]);
	assert_true(lasting_growth_make(&series, 30, false).bytes == 0);
	/* What was there before is not counted as growth. */
	start();
	add_traffic(500, 0.5, 1000);
	for (double birth_s = 0.1; birth_s < 30; birth_s += 0.1)
		add_block(birth_s, FOREVER, 1000);
	assert_true(lasting_growth_make(&series, 31, false).bytes == 0);
	assert_true(lasting_growth_make(&series, 10, false).blocks > 100);
	assert_true(lasting_growth_make(&series, STEPS, false).bytes == 0);
	/* Two steps are enough where there is history: the first second of them is old enough. */
	start();
	add_traffic(500, 0.2, 1000);
	for (double birth_s = 0.1; birth_s < STEPS; birth_s += 0.02)
		add_block(birth_s, FOREVER, 1000);
	struct lasting_growth late = lasting_growth_make(&series, STEPS - 3, false);
	assert_true(late.blocks > 25 && late.blocks < 100);
	start();
	add_traffic(500, 5, 1000);
	assert_true(lasting_growth_make(&series, STEPS - 3, false).bytes == 0);
}

static void nothing_at_all_has_not_grown(void **state)
{
	(void)state;
	series.count = 0;
	assert_true(grown().bytes == 0);
	start();
	assert_true(grown().bytes == 0);
	/* It shrank. */
	for (int i = 0; i < 100; i++)
		add_block(0, 1 + i / 3, 10);
	assert_true(grown().bytes == 0);
	series.count = 1;
	assert_true(grown().bytes == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_never_freed_counts_at_once),
		cmocka_unit_test(traffic_does_not_count_however_much_of_it_there_is),
		cmocka_unit_test(more_traffic_in_the_end_is_still_traffic),
		cmocka_unit_test(a_leak_in_traffic_counts_for_about_itself),
		cmocka_unit_test(a_burst_that_is_kept_counts),
		cmocka_unit_test(a_full_cache_does_not_count_and_one_that_fills_does),
		cmocka_unit_test(old_cohorts_that_were_merged_are_looked_at_as_one),
		cmocka_unit_test(history_tells_how_long_blocks_live),
		cmocka_unit_test(nothing_at_all_has_not_grown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
