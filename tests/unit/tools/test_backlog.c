/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_backlog: sites of which ever more lives, whether or not it is seen that any of it is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tools/made_site.h"
#include "tools/model/verdict.h"

/* First in, first out; 20 come in each period. Who is served too slowly waits ever longer. */
static void a_queue_that_is_not_worked_off_in_time_is_a_leak(void **state)
{
	(void)state;
	for (int is_slow = 0; is_slow < 2; is_slow++) {
		struct run *run = run_new(60);
		uint64_t came = 0, served = 0;
		for (size_t t = 0; t < 60; t++) {
			run->allocations[t] = 20;
			came += 20;
			served = is_slow ? came * 4 / 5 : came - 20;
			for (size_t b = 0; b <= t; b++) {
				uint64_t gone = served > b * 20 ? served - b * 20 : 0;
				run->blocks[t][b] = gone < 20 ? 20 - gone : 0;
			}
		}
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.is_flagged, is_slow);
		assert_int_equal(judgement.evidence.is_of_backlog, is_slow);
		if (is_slow)
			assert_true(fabs(judgement.growth.blocks_per_hour - 4 * 360) < 36);
		free(run);
	}
}

/* Served unevenly and ever better, but never as much as comes: nobody knows where that ends. Where twice as
 * much comes in the end, that may be why. */
static void a_queue_whose_lives_lengthen_may_slow_down_a_bit(void **state)
{
	(void)state;
	static const double more_load[] = {0, 0.02, 0.4};
	for (size_t i = 0; i < 3; i++) {
		struct run *run = run_new(60);
		double came = 0, served = 0, before[61] = {0};
		for (size_t t = 0; t < 60; t++) {
			double more = more_load[i] * (double)t;
			run->allocations[t] = (uint64_t)(20 + more);
			before[t + 1] = came += (double)run->allocations[t];
			served += (t % 7 < 3 ? 10 : 18) + 0.05 * (double)t + more / 2;
			for (size_t b = 0; b <= t; b++)
				run->blocks[t][b] = (uint64_t)fmax(
					0, before[b + 1] - fmax(before[b], floor(served)));
		}
		finish_run(run, 1);
		assert_int_equal(judge(run).is_flagged, more_load[i] < 0.1);
		free(run);
	}
}

/* All goes in the middle of the run; the second time it becomes as high as the first. */
static void what_only_rises_again_is_no_leak(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 60; b++)
		add_blocks(run, b, b < 30 ? (double)(30 - b) : INFINITY, 15);
	finish_run(run, 1);
	assert_false(judge(run).is_flagged);
	free(run);
}

/* The last 750 of some history, 30 more in each period; of what falls out one is not freed. It is full after
 * less than half of the run, which is too late for the blocks to show that they are kept. */
static void what_a_full_history_forgets_is_a_leak(void **state)
{
	(void)state;
	for (int forgets = 0; forgets < 2; forgets++) {
		struct run *run = run_new(60);
		for (size_t b = 0; b < 60; b++) {
			add_blocks(run, b, 24, 29);
			add_blocks(run, b, forgets ? INFINITY : 24, 1);
		}
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.is_flagged, forgets);
		if (forgets) {
			assert_true(judgement.evidence.is_of_backlog);
			assert_true(fabs(judgement.growth.blocks_per_hour - 360) < 36);
			assert_in_range((int)judgement.growth.since_s, 200, 350);
		} else {
			assert_int_equal(judgement.verdict, VERDICT_PLATEAU);
		}
		free(run);
	}
}

/* A cache of 500 blocks under a load that goes up and down drops its oldest, after 7 to 16 periods. One in
 * `forgets` stays. */
static struct run *full_under_changing_load(size_t forgets)
{
	struct run *run = run_new(40);
	size_t births[41] = {0}, all = 0;
	for (size_t b = 0; b < 40; b++)
		births[b + 1] = births[b] + (b % 20 < 10 ? 80 : 20);
	for (size_t b = 0; b < 40; b++)
		for (size_t i = births[b]; i < births[b + 1]; i++) {
			size_t gone = b;
			while (gone < 40 && births[gone + 1] < i + 500)
				gone++;
			bool is_forgotten = forgets && ++all % forgets == 0;
			add_blocks(run, b, is_forgotten ? INFINITY : (double)(gone - b), 1);
		}
	finish_run(run, 1);
	return run;
}

static void what_a_full_cache_forgets_is_a_leak_whatever_the_load(void **state)
{
	(void)state;
	expect_verdict(full_under_changing_load(0), VERDICT_PLATEAU);
	expect_verdict(full_under_changing_load(10), VERDICT_LEAK);
}

/* Three are kept in each period, and in the beginning many others that live for five. */
static void what_died_among_the_first_does_not_make_the_others_slower(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 60; b++) {
		add_blocks(run, b, INFINITY, 3);
		add_blocks(run, b, 5, (uint64_t)(30 * exp(-(double)b / 8)));
	}
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

/* Full after two thirds of the run: those that have reached a great age do not know it yet. */
static void what_has_ended_for_the_young_has_ended(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, INFINITY, 5);
		add_blocks(run, b, 15, b < 25 ? 2 : 0);
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_false(judgement.is_flagged);
	free(run);
}

/* More come, and each lives as long as ever. */
/* A bound that counts too little: each block is dropped some day, and later every time. The curve is rough. */
static void a_bound_that_ever_more_fits_under_is_a_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(9);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, floor(6 + 0.4 * (double)b), 10 + (uint64_t)(drand48() * 20));
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.evidence.is_of_backlog);
	expect_verdict(run, VERDICT_LEAK);
}

/* Most live long, and some for ever: which, cannot be told as long as so many of the others are still there. */
static void a_curve_that_rises_to_the_end_is_no_plateau(void **state)
{
	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		struct run *run = run_new(60);
		const uint64_t kept = stay ? 12 : 0;
		for (size_t b = 0; b < 60; b++) {
			run->allocations[b] = 100;
			for (size_t t = b; t < 60; t++)
				run->blocks[t][b] =
					kept + (uint64_t)((100 - (double)kept) *
								  exp(-(double)(t - b) / 14) +
							  0.5);
		}
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.evidence.is_of_backlog, stay);
		if (stay)
			assert_int_equal(judgement.snapshots_needed, 60); /* as many again */
		expect_verdict(run, stay ? VERDICT_GROWING : VERDICT_PLATEAU);
	}
}

/* A table fills, and on the same path something is forgotten now and then. */
static void what_rises_behind_a_table_is_not_called_saturating(void **state)
{
	(void)state;
	for (int forgets = 0; forgets < 2; forgets++) {
		struct run *run = run_new(40);
		srand48(3);
		for (size_t b = 0; b < 40; b++) {
			add_blocks(run, b, INFINITY, b < 10 ? 40 : 0);
			add_blocks(run, b, 0, b < 10 ? 10 : 50);
			if (b >= 10 && lrand48() % 2 == 0)
				add_blocks(run, b, INFINITY, forgets ? 2 : 0);
		}
		finish_run(run, 1);
		expect_verdict(run, forgets ? VERDICT_GROWING : VERDICT_PLATEAU);
	}
}

/* What is forgotten behind a table is allocated, too: one block in 61. That is no load that explains it. */
static void that_leaks_are_allocated_is_no_load(void **state)
{
	(void)state;
	for (uint64_t leak = 0; leak < 4; leak++) {
		struct run *run = run_new(60);
		for (size_t b = 0; b < 60; b++) {
			add_blocks(run, b, b < 14 ? INFINITY : 0, 60);
			add_blocks(run, b, INFINITY, b < 14 ? 0 : leak);
		}
		finish_run(run, 1);
		expect_verdict(run, leak ? VERDICT_LEAK : VERDICT_PLATEAU);
	}
}

static void more_of_the_same_lives_is_load(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 60; b++)
		add_blocks(run, b, 3, 10 + 2 * b);
	finish_run(run, 1);
	assert_false(judge(run).is_flagged);
	free(run);
}

/* What lives is what a bound allows; that rises with the work done, ever less, and has 78 % of its way
 * behind it at the end. All that lives is replaced by others again and again. `idle` periods in the
 * beginning have no work. */
static struct run *bound_that_rises_with_work(size_t idle)
{
	struct run *run = run_new(60);
	double all = 0, done = 0, live = 0;
	srand48(5);
	for (size_t b = idle; b < 60; b++)
		all += (double)(run->others[b] = 1000 + (uint64_t)(drand48() * 30000));
	for (size_t b = 0; b < 60; b++) {
		done += (double)run->others[b];
		run->allocations[b] = 60;
		if (b)
			memcpy(run->blocks[b], run->blocks[b - 1], sizeof(run->blocks[b]));
		run->blocks[b][b] = 60;
		live += 60;
		double over = live - 5 - 500 * (1 - exp(-1.5 * done / all));
		for (size_t i = 0; i <= b && over >= 1; i++) {
			double dropped = fmin((double)run->blocks[b][i], floor(over));
			run->blocks[b][i] -= (uint64_t)dropped;
			over -= dropped;
			live -= dropped;
		}
	}
	finish_run(run, 1);
	return run;
}

static void what_slows_down_behind_idle_time_is_no_leak(void **state)
{
	(void)state;
	struct run *run = bound_that_rises_with_work(9);
	assert_false(judge(run).is_flagged);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_that_is_not_worked_off_in_time_is_a_leak),
		cmocka_unit_test(a_queue_whose_lives_lengthen_may_slow_down_a_bit),
		cmocka_unit_test(what_only_rises_again_is_no_leak),
		cmocka_unit_test(what_a_full_history_forgets_is_a_leak),
		cmocka_unit_test(what_a_full_cache_forgets_is_a_leak_whatever_the_load),
		cmocka_unit_test(what_died_among_the_first_does_not_make_the_others_slower),
		cmocka_unit_test(what_has_ended_for_the_young_has_ended),
		cmocka_unit_test(a_bound_that_ever_more_fits_under_is_a_leak),
		cmocka_unit_test(a_curve_that_rises_to_the_end_is_no_plateau),
		cmocka_unit_test(what_rises_behind_a_table_is_not_called_saturating),
		cmocka_unit_test(that_leaks_are_allocated_is_no_load),
		cmocka_unit_test(more_of_the_same_lives_is_load),
		cmocka_unit_test(what_slows_down_behind_idle_time_is_no_leak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
