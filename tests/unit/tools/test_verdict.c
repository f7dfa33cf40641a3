/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verdict: sites that grow and sites that only look like it, made by hand. How often the verdict
 * is right is in test_verdict_quality.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/cohort_series.h"
#include "tools/model/profile.h"
#include "tools/model/verdict.h"

#define MAX_PERIODS 400
#define BLOCK_BYTES 64

/* A run with one site, made by hand: blocks[t][b] live at snapshot t, born in period b. */
struct run {
	size_t periods;
	struct profile profile;
	struct site site;
	struct snapshot snapshots[MAX_PERIODS];
	struct site_point points[MAX_PERIODS];
	struct cohort cohorts[MAX_PERIODS][MAX_PERIODS];
	uint64_t blocks[MAX_PERIODS][MAX_PERIODS];
	uint64_t allocations[MAX_PERIODS], others[MAX_PERIODS];
};

static struct run *run_new(size_t periods)
{
	struct run *run = calloc(1, sizeof(*run));
	assert_non_null(run);
	run->periods = periods;
	return run;
}

/* Makes profile and site of the numbers. Snapshots 10 seconds apart; or, when `ratio` is more than
 * 1, each distance so many times the one before. */
static void finish_run(struct run *run, double ratio)
{
	double time_s = 0, interval_s = ratio > 1 ? 0.1 : 10;
	uint64_t allocations = 0, others = 0;
	for (size_t t = 0; t < run->periods; t++, interval_s *= ratio) {
		struct site_point *point = &run->points[t];
		time_s += interval_s;
		allocations += run->allocations[t];
		others += run->others[t];
		*point = (struct site_point){
			.snapshot = (uint32_t)t,
			.cohorts = run->cohorts[t],
			.allocations = allocations,
			.allocated_bytes = allocations * BLOCK_BYTES,
		};
		for (size_t b = 0; b <= t; b++) {
			uint64_t blocks = run->blocks[t][b];
			if (!blocks)
				continue;
			run->cohorts[t][point->cohort_count++] =
				(struct cohort){(uint32_t)b + 1, blocks, blocks * BLOCK_BYTES};
			point->live_blocks += blocks;
			point->live_bytes += blocks * BLOCK_BYTES;
		}
		run->snapshots[t] = (struct snapshot){
			.number = (uint32_t)t + 1,
			.epoch = (uint32_t)t + 1,
			.time_s = time_s,
			.reason = SEEP_REASON_INTERVAL,
			.label = (char *)"",
		};
		run->snapshots[t].raw.live_bytes = (1 << 20) + point->live_bytes;
		run->snapshots[t].raw.allocations = allocations + others;
	}
	run->site = (struct site){1, (uint32_t)run->periods, run->points};
	run->profile = (struct profile){
		.snapshots = run->snapshots,
		.snapshot_count = run->periods,
		.sites = &run->site,
		.site_count = 1,
	};
}

static struct judgement judge(struct run *run)
{
	return verdict_judge(&run->profile, &run->site, 0, run->periods - 1);
}

/* `count` blocks born in period `b` that live through `lives` further snapshots. */
static void add_blocks(struct run *run, size_t b, double lives, uint64_t count)
{
	for (size_t t = b; t < run->periods && (double)(t - b) <= lives; t++)
		run->blocks[t][b] += count;
	run->allocations[b] += count;
}

static void expect_verdict(struct run *run, enum verdict expected)
{
	enum verdict verdict = judge(run).verdict;
	if (verdict != expected)
		fail_msg("expected %s, got %s", verdict_name(expected), verdict_name(verdict));
	free(run);
}

/* ---- single claims ---- */

static void a_steady_leak_is_a_leak_with_its_rate_and_beginning(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(judgement.is_flagged);
	assert_true(judgement.confidence > 0.99);
	/* 10 blocks of 64 bytes in 10 seconds. */
	assert_true(fabs(judgement.growth.blocks_per_hour - 3600) < 1);
	assert_true(fabs(judgement.growth.bytes_per_hour - 3600 * BLOCK_BYTES) < 64);
	assert_true(judgement.growth.bytes_per_hour_ci95[0] <= judgement.growth.bytes_per_hour);
	assert_true(judgement.growth.bytes_per_hour_ci95[1] >= judgement.growth.bytes_per_hour);
	assert_true(judgement.growth.since_s <= 20);
	assert_true(isnan(judgement.growth.time_to_limit_s));
	free(run);
}

static void the_rate_holds_when_snapshots_become_rarer(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 60; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(100 * pow(1.1, (double)b)));
	finish_run(run, 1.1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	/* 1000 blocks per second. */
	double expected = 1000.0 * 3600 * BLOCK_BYTES;
	assert_true(fabs(judgement.growth.bytes_per_hour / expected - 1) < 0.1);
	free(run);
}

static void a_leak_that_begins_late_is_dated(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, 1, 20);
		if (b >= 20)
			add_blocks(run, b, INFINITY, 5);
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(fabs(judgement.growth.since_s - 205) <= 20);
	free(run);
}

static void one_percent_of_busy_traffic_is_found(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(1);
	for (size_t b = 0; b < 40; b++) {
		uint64_t traffic = 600 + (uint64_t)(drand48() * 800);
		add_blocks(run, b, 0, traffic * 99 / 100);
		add_blocks(run, b, INFINITY, traffic / 100);
	}
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

static void a_single_buffer_that_realloc_lengthens_is_a_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	finish_run(run, 1);
	for (size_t t = 0; t < 40; t++) {
		/* Always young: realloc makes a new block of it. */
		run->cohorts[t][0] = (struct cohort){(uint32_t)t + 1, 1, 1000 + 500 * t};
		run->points[t].cohort_count = 1;
		run->points[t].live_blocks = 1;
		run->points[t].live_bytes = 1000 + 500 * t;
	}
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(fabs(judgement.growth.bytes_per_hour - 50 * 3600) < 100);
	assert_true(judgement.growth.blocks_per_hour == 0);
	free(run);
}

/* A snapshot that is taken while realloc moves the buffer sees it twice, or not at all. */
static void a_lengthening_buffer_that_some_snapshots_missed_is_still_a_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	finish_run(run, 1);
	for (size_t t = 0; t < 40; t++) {
		uint64_t blocks = t % 9 == 8 ? 0 : t % 9 == 5 ? 2 : 1;
		uint64_t bytes = blocks * (1000 + 500 * t);
		run->cohorts[t][0] = (struct cohort){(uint32_t)t + 1, blocks, bytes};
		run->points[t].cohort_count = blocks > 0;
		run->points[t].live_blocks = blocks;
		run->points[t].live_bytes = bytes;
		run->points[t].allocations = t + 1;
		run->points[t].allocated_bytes = 1000 * (t + 1) + 250 * t * (t + 1);
	}
	expect_verdict(run, VERDICT_LEAK);
}

/* Log-normal, most between 150 and 1,000 bytes. */
static double any_length(void)
{
	double normal = sqrt(-2 * log(1 - drand48())) * cos(2 * M_PI * drand48());
	return floor(exp(6 + normal));
}

/* Eight blocks, each replaced now and then by one of another length, all kinds of lengths being as likely
 * at any time: how long they are together wanders. */
static void blocks_replaced_by_others_of_all_lengths_are_no_leak(void **state)
{
	(void)state;
	unsigned flagged = 0;
	srand48(19);
	for (int round = 0; round < 3000; round++) {
		struct run *run = run_new(20);
		double lengths[8];
		uint64_t births = 0, bytes = 0;
		finish_run(run, 0);
		for (int i = 0; i < 8; i++)
			lengths[i] = any_length();
		for (size_t t = 0; t < run->periods; t++) {
			struct site_point *point = &run->points[t];
			double length = any_length();
			lengths[lrand48() % 8] = length;
			births++;
			bytes += (uint64_t)length;
			for (int i = 0; i < 8; i++) {
				point->live_blocks += lengths[i] > 0;
				point->live_bytes += (uint64_t)lengths[i];
			}
			/* As young as the last step, for what is replaced never becomes old. */
			run->cohorts[t][0] = (struct cohort){(uint32_t)t + 1, point->live_blocks,
							     point->live_bytes};
			point->cohort_count = 1;
			point->allocations = births;
			point->allocated_bytes = bytes;
			run->snapshots[t].raw.allocations = births + 1000 * t;
		}
		flagged += judge(run).is_flagged;
		free(run);
	}
	printf("    seed 19: %u of 3000 flagged\n", flagged);
	assert_true(flagged <= 9);
}

static void a_buffer_that_found_its_size_is_no_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	finish_run(run, 1);
	for (size_t t = 0; t < 40; t++) {
		uint64_t bytes = t < 18 ? 1000 + 500 * t : 10000;
		run->cohorts[t][0] = (struct cohort){(uint32_t)(t < 18 ? t : 18) + 1, 1, bytes};
		run->points[t].cohort_count = 1;
		run->points[t].live_blocks = 1;
		run->points[t].live_bytes = bytes;
	}
	expect_verdict(run, VERDICT_PLATEAU);
}

/* What is in it grows evenly until period `full`, the vector itself doubles. */
static struct run *make_vector(size_t periods, size_t full)
{
	struct run *run = run_new(periods);
	finish_run(run, 1);
	uint64_t room = 16, steps = 0, birth = 1, allocated = 0;
	for (size_t t = 0; t < periods; t++) {
		uint64_t content = 100 * ((t < full ? t : full) + 1);
		for (; room < content; room *= 2, steps++, birth = t + 1)
			allocated += 2 * room;
		run->cohorts[t][0] = (struct cohort){(uint32_t)birth, 1, room};
		run->points[t].cohort_count = 1;
		run->points[t].live_blocks = 1;
		run->points[t].live_bytes = room;
		run->points[t].allocations = steps;
		run->points[t].allocated_bytes = allocated;
	}
	return run;
}

static void a_vector_that_goes_on_doubling_is_a_leak(void **state)
{
	(void)state;
	/* 41 periods were 4100 bytes: the last step has just been made. */
	struct run *run = make_vector(48, 48);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(judgement.evidence.is_of_length);
	/* 100 bytes of content in 10 seconds, however much room was made for them. */
	assert_true(fabs(judgement.growth.bytes_per_hour / 36000 - 1) < 0.3);
	free(run);
	/* Not where the last step was made long ago. */
	run = make_vector(80, 41);
	assert_false(judge(run).is_flagged);
	free(run);
}

/* Chunks, each half as long again as the last one, are added whenever the room is full. Of chunks that are
 * all alike that would be less and less. */
static void an_arena_that_adds_ever_longer_chunks_is_a_leak(void **state)
{
	(void)state;
	for (int are_longer = 0; are_longer < 2; are_longer++) {
		struct run *run = run_new(60);
		double room = 0, bytes[60], chunk = 100;
		for (size_t b = 0; b < 60; b++) {
			bytes[b] = 0;
			if (room >= 100 * (double)(b + 1))
				continue;
			add_blocks(run, b, INFINITY, 1);
			room += chunk;
			bytes[b] = are_longer ? chunk : 100;
			chunk *= 1.5;
		}
		finish_run(run, 1);
		for (size_t t = 0; t < 60; t++) {
			struct site_point *point = &run->points[t];
			point->live_bytes = 0;
			for (uint32_t i = 0; i < point->cohort_count; i++) {
				struct cohort *cohort = &run->cohorts[t][i];
				cohort->bytes = (uint64_t)bytes[cohort->epoch - 1];
				point->live_bytes += cohort->bytes;
			}
			point->allocated_bytes = point->live_bytes;
		}
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.is_flagged, are_longer);
		assert_int_equal(judgement.evidence.is_of_chunks, are_longer);
		if (are_longer)
			assert_true(fabs(judgement.growth.bytes_per_hour / 36000 - 1) < 0.5);
		free(run);
	}
}

/* Everything is freed in the last, final snapshot, or during the last few. */
static void a_leak_that_is_tidied_up_at_exit_is_still_a_leak(void **state)
{
	(void)state;
	for (size_t fall = 1; fall <= 4; fall++) {
		struct run *run = run_new(40);
		for (size_t b = 0; b < 40; b++)
			add_blocks(run, b, INFINITY, 10000);
		for (size_t i = 0; i < fall; i++)
			for (size_t b = 0; b < 40; b++)
				run->blocks[40 - fall + i][b] =
					run->blocks[40 - fall + i][b] * (fall - 1 - i) / fall;
		finish_run(run, 1);
		run->snapshots[39].reason = SEEP_REASON_FINAL;
		expect_verdict(run, VERDICT_LEAK);
	}
}

static void a_leak_of_a_site_that_alone_is_freed_at_exit_is_a_leak(void **state)
{
	(void)state;
	struct run *run = run_new(30);
	for (size_t b = 0; b < 30; b++)
		add_blocks(run, b, INFINITY, 3);
	for (size_t b = 0; b < 30; b++)
		run->blocks[29][b] = 0;
	finish_run(run, 1);
	run->snapshots[29].reason = SEEP_REASON_FINAL;
	expect_verdict(run, VERDICT_LEAK);
}

static void too_few_snapshots_judge_nothing(void **state)
{
	(void)state;
	for (size_t periods = 1; periods < 6; periods++) {
		struct run *run = run_new(periods);
		for (size_t b = 0; b < periods; b++)
			add_blocks(run, b, INFINITY, 10);
		finish_run(run, 1);
		assert_false(judge(run).is_flagged);
		expect_verdict(run, VERDICT_UNFREED);

		run = run_new(periods);
		for (size_t b = 0; b + 1 < periods; b++)
			add_blocks(run, b, 0, 10);
		finish_run(run, 1);
		expect_verdict(run, VERDICT_STABLE);
	}
}

static void a_short_rise_is_growing_and_says_how_many_snapshots_it_needs(void **state)
{
	(void)state;
	struct run *run = run_new(6);
	for (size_t b = 0; b < 6; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_GROWING);
	assert_true(judgement.snapshots_needed > 0);
	free(run);

	/* And that many more are enough. */
	size_t periods = 6 + judgement.snapshots_needed;
	run = run_new(periods);
	for (size_t b = 0; b < periods; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

static void what_has_ended_is_no_leak(void **state)
{
	(void)state;
	static const uint64_t added[] = {[8] = 6, [11] = 9, [14] = 7, [17] = 8, [20] = 6, [23] = 9};
	struct run *run = run_new(40);
	for (size_t b = 0; b < sizeof(added) / sizeof(*added); b++)
		add_blocks(run, b, INFINITY, added[b]);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_false(judgement.is_flagged);
	expect_verdict(run, VERDICT_PLATEAU);
	/* Had it gone on, it would be one. */
	run = run_new(40);
	for (size_t b = 8; b < 40; b++)
		add_blocks(run, b, INFINITY, b % 3 == 2 ? 6 + b % 4 : 0);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);
}

static void a_leak_is_seen_under_a_warm_up(void **state)
{
	(void)state;
	for (int leaks = 0; leaks < 2; leaks++) {
		struct run *run = run_new(60);
		for (size_t b = 0; b < 60; b++)
			add_blocks(run, b, INFINITY,
				   (uint64_t)(400 * exp(-(double)b / 4)) +
					   (leaks ? 12 + b % 3 : 0));
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.is_flagged, leaks);
		/* At the pace that it has, not that of the warm-up. */
		if (leaks)
			assert_true(fabs(judgement.growth.blocks_per_hour - 13 * 360) < 360);
		if (leaks)
			assert_true(fabs(judgement.growth.bytes_per_hour - 13 * 360 * BLOCK_BYTES) <
				    360 * BLOCK_BYTES);
		free(run);
	}
}

/* A full cache that evicts what is rarely asked for: what is asked for often grows old in it. */
static void what_only_grows_old_is_no_leak(void **state)
{
	(void)state;
	for (int grows = 0; grows < 2; grows++) {
		struct run *run = run_new(60);
		for (size_t t = 0; t < 60; t++) {
			uint64_t young = 500;
			for (size_t b = 0; b + 3 <= t; b++)
				young -= run->blocks[t][b] = 3;
			run->blocks[t][t] = grows ? 500 : young;
			run->allocations[t] = 500;
		}
		finish_run(run, 1);
		assert_int_equal(judge(run).is_flagged, grows);
		free(run);
	}
}

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

/* What lives is what a bound allows; that rises with the work done, ever less, and has 78 % of its way behind it
 * at the end. All that lives is replaced by others again and again. `idle` periods in the beginning have no work. */
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

static void blocks_made_at_start_are_stable(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	add_blocks(run, 0, INFINITY, 100);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.growth.bytes_per_hour == 0);
	expect_verdict(run, VERDICT_STABLE);
}

static void a_table_filled_in_the_beginning_is_a_plateau(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 12; b++)
		add_blocks(run, b, INFINITY, 100);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_PLATEAU);
}

static void a_cache_that_fills_ever_slower_is_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(1000 * exp(-(double)b / 9)));
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.growth.bytes_per_hour > 0);
	expect_verdict(run, VERDICT_SATURATING);
}

/* At the end 37 % of the first pace: a leak may have that, and a cache that fills, too. */
static void what_may_stop_or_go_on_is_not_called_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(100 * exp(-(double)b / 36)));
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_true(judgement.evidence.is_slowing);
	assert_false(verdict_may_go_on(&judgement));
	assert_int_equal(judgement.snapshots_needed, 40); /* as many again */
	expect_verdict(run, VERDICT_GROWING);
}

/* Six blocks, a bit more seldom each time: as likely no leak as one. */
static void what_is_hardly_more_likely_a_leak_than_not_is_growing(void **state)
{
	(void)state;
	static const size_t births[] = {8, 11, 15, 19, 25, 33};
	struct run *run = run_new(40);
	for (size_t i = 0; i < sizeof(births) / sizeof(*births); i++)
		add_blocks(run, births[i], INFINITY, 1);
	finish_run(run, 1);
	struct cohort_series *series = calloc(1, sizeof(*series));
	assert_non_null(series);
	cohort_series_make(series, &run->profile, &run->site, 0, run->periods - 1);
	struct verdict_limits limits = verdict_limits;
	limits.confidence = 0;
	assert_int_equal(verdict_judge_series(series, &limits).verdict, VERDICT_LEAK);
	free(series);
	/* And as sure of it as of anything else that grows. */
	struct judgement judgement = judge(run);
	assert_true(judgement.confidence <= 0.5);
	assert_true(judgement.snapshots_needed > 0);
	expect_verdict(run, VERDICT_GROWING);
}

static void a_leak_whose_program_became_idle_is_not_called_saturating(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, (uint64_t)(1000 * exp(-(double)b / 9)));
	finish_run(run, 1);
	/* The other sites had ever less to do too. */
	for (size_t t = 0; t < 40; t++)
		run->snapshots[t].raw.allocations +=
			(uint64_t)(1e7 * (1 - exp(-(double)(t + 1) / 9)));
	struct judgement judgement = judge(run);
	assert_true(judgement.verdict == VERDICT_LEAK || judgement.verdict == VERDICT_GROWING);
	free(run);
}

/* Who forgets one of three has less to forget when there is less to do. Of what keeps every second block nobody
 * knows whether that is what it is for. */
static void what_a_site_keeps_goes_on_in_step_with_what_it_allocates(void **state)
{
	(void)state;
	for (unsigned kept = 2; kept <= 3; kept++) {
		struct run *run = run_new(40);
		for (size_t b = 0; b < 40; b++) {
			uint64_t all = (uint64_t)(300 * exp(-(double)b / 20));
			add_blocks(run, b, INFINITY, all / kept);
			add_blocks(run, b, 1, all - all / kept);
		}
		finish_run(run, 1);
		assert_int_equal(judge(run).is_flagged, kept == 3);
		free(run);
	}
}

static void a_pool_that_empties_again_and_again_is_periodic(void **state)
{
	(void)state;
	struct run *run = run_new(48);
	for (size_t b = 0; b < 48; b++)
		add_blocks(run, b, (double)(11 - b % 12), 50);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_PERIODIC);
}

static void judging_a_part_ignores_what_came_before(void **state)
{
	(void)state;
	struct run *run = run_new(60);
	for (size_t b = 0; b < 30; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement part = verdict_judge(&run->profile, &run->site, 30, 59);
	assert_int_equal(part.verdict, VERDICT_STABLE);
	part = verdict_judge(&run->profile, &run->site, 0, 29);
	assert_int_equal(part.verdict, VERDICT_LEAK);
	/* Nonsense is answered with nothing. */
	assert_int_equal(verdict_judge(&run->profile, &run->site, 5, 4).verdict, VERDICT_STABLE);
	assert_int_equal(verdict_judge(&run->profile, &run->site, 0, 60).verdict, VERDICT_STABLE);
	free(run);
}

static void a_long_run_is_judged_like_a_short_one(void **state)
{
	(void)state;
	struct run *run = run_new(MAX_PERIODS);
	for (size_t b = 0; b < MAX_PERIODS; b++) {
		add_blocks(run, b, 3, 100);
		if (b % 5 == 0)
			add_blocks(run, b, INFINITY, 1);
	}
	finish_run(run, 1);
	expect_verdict(run, VERDICT_LEAK);

	run = run_new(MAX_PERIODS);
	for (size_t b = 0; b < MAX_PERIODS; b++)
		add_blocks(run, b, 3, 100);
	finish_run(run, 1);
	expect_verdict(run, VERDICT_STABLE);
}

/* ---- why, how soon ---- */

static void the_reasons_name_the_numbers(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, 0, 90); /* freed after the first snapshot that sees them */
		add_blocks(run, b, INFINITY, 10);
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	const struct verdict_evidence *evidence = &judgement.evidence;
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_false(evidence->is_of_length);
	assert_true(fabs(evidence->age_s - 10) < 0.1);
	assert_int_equal(evidence->periods, evidence->periods_that_kept);
	assert_in_range(evidence->periods, 30, 36);
	assert_true(evidence->kept_low == 10 && evidence->kept_high == 10);
	assert_true(evidence->births == 100.0 * evidence->periods);
	assert_true(evidence->freed == 90.0 * evidence->periods);
	assert_true(fabs(evidence->freed_within_s - 10) < 0.1);
	assert_true(evidence->kept_lately > 0.9 && evidence->kept_lately <= 1);
	assert_true(fabs(evidence->decline) < 0.01);
	assert_true(evidence->drift_p < 1e-6);
	free(run);
}

static void growth_in_step_with_work_is_said_to_be(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(7);
	for (size_t b = 0; b < 40; b++) {
		uint64_t work = 1 + (uint64_t)(drand48() * 30);
		add_blocks(run, b, INFINITY, work);
		run->others[b] = 1000 * work;
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_int_equal(judgement.evidence.clock, CLOCK_WORK);
	free(run);
}

static void the_limit_makes_the_severity(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run), other = judgement;
	assert_int_equal(judgement.severity, SEVERITY_LOW);
	double rate = judgement.growth.bytes_per_hour;
	verdict_set_limit(&judgement, 1e9, 1e9 + 2 * rate);
	assert_true(fabs(judgement.growth.time_to_limit_s - 7200) < 1);
	assert_int_equal(judgement.severity, SEVERITY_CRITICAL);
	verdict_set_limit(&other, 1e9, 1e9 + 1e6 * rate);
	assert_int_equal(other.severity, SEVERITY_LOW);
	/* Already above it. */
	verdict_set_limit(&other, 2e9, 1e9);
	assert_true(other.growth.time_to_limit_s == 0);
	free(run);
}

static void a_withdrawn_leak_is_growing(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, INFINITY, 10);
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	verdict_withdraw(&judgement, 40);
	assert_int_equal(judgement.verdict, VERDICT_GROWING);
	assert_false(judgement.is_flagged);
	assert_true(judgement.snapshots_needed > 0);
	struct judgement once = judgement;
	verdict_withdraw(&judgement, 40);
	assert_true(judgement.confidence == once.confidence);
	free(run);
}

static void eleven_snapshots_flag_nothing(void **state)
{
	(void)state;
	for (size_t periods = 6; periods < 16; periods++) {
		struct run *run = run_new(periods);
		for (size_t b = 0; b < periods; b++)
			add_blocks(run, b, INFINITY, 100);
		finish_run(run, 1);
		struct judgement judgement = judge(run);
		assert_int_equal(judgement.verdict, periods < 12 ? VERDICT_GROWING : VERDICT_LEAK);
		assert_true(judgement.growth.bytes_per_hour > 0);
		free(run);
	}
}

/* The base is full and stays; its churn is a hundred times the leak. */
static void a_leak_beside_a_large_base_and_traffic_is_found(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	srand48(3);
	for (size_t b = 0; b < 40; b++) {
		add_blocks(run, b, INFINITY, b == 0 ? 1000000 : 5);
		add_blocks(run, b, 0, 300 + (uint64_t)(drand48() * 400));
	}
	finish_run(run, 1);
	struct judgement judgement = judge(run);
	assert_int_equal(judgement.verdict, VERDICT_LEAK);
	assert_true(fabs(judgement.growth.blocks_per_hour - 1800) < 20);
	free(run);
}

static void a_full_cache_that_replaces_its_oldest_is_no_leak(void **state)
{
	(void)state;
	struct run *run = run_new(40);
	for (size_t b = 0; b < 40; b++)
		add_blocks(run, b, 19, 50); /* each lives for twenty periods */
	finish_run(run, 1);
	assert_false(judge(run).is_flagged);
	free(run);
}

static void blocks_are_aged_by_time_where_snapshots_become_rarer(void **state)
{
	(void)state;
	/* All blocks live for three seconds; the snapshots come after 0.1 s and after 10 s. */
	struct run *run = run_new(60);
	double end[60], now = 0, interval = 0.1;
	for (size_t t = 0; t < 60; t++, interval *= 1.1)
		end[t] = now += interval;
	for (size_t b = 0; b < 60; b++) {
		uint64_t count = (uint64_t)(100 * pow(1.1, (double)b));
		double start = b ? end[b - 1] : 0;
		for (size_t t = b; t < 60 && end[t] - end[b] < 3; t++) {
			double alive = (end[b] - fmax(start, end[t] - 3)) / (end[b] - start);
			run->blocks[t][b] += (uint64_t)((double)count * alive);
		}
		run->allocations[b] += count;
	}
	finish_run(run, 1.1);
	assert_false(judge(run).is_flagged);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_leak_is_a_leak_with_its_rate_and_beginning),
		cmocka_unit_test(the_rate_holds_when_snapshots_become_rarer),
		cmocka_unit_test(a_leak_that_begins_late_is_dated),
		cmocka_unit_test(one_percent_of_busy_traffic_is_found),
		cmocka_unit_test(a_single_buffer_that_realloc_lengthens_is_a_leak),
		cmocka_unit_test(a_lengthening_buffer_that_some_snapshots_missed_is_still_a_leak),
		cmocka_unit_test(blocks_replaced_by_others_of_all_lengths_are_no_leak),
		cmocka_unit_test(a_buffer_that_found_its_size_is_no_leak),
		cmocka_unit_test(a_vector_that_goes_on_doubling_is_a_leak),
		cmocka_unit_test(an_arena_that_adds_ever_longer_chunks_is_a_leak),
		cmocka_unit_test(a_leak_that_is_tidied_up_at_exit_is_still_a_leak),
		cmocka_unit_test(a_leak_of_a_site_that_alone_is_freed_at_exit_is_a_leak),
		cmocka_unit_test(too_few_snapshots_judge_nothing),
		cmocka_unit_test(what_has_ended_is_no_leak),
		cmocka_unit_test(a_leak_is_seen_under_a_warm_up),
		cmocka_unit_test(what_only_grows_old_is_no_leak),
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
		cmocka_unit_test(a_short_rise_is_growing_and_says_how_many_snapshots_it_needs),
		cmocka_unit_test(what_slows_down_behind_idle_time_is_no_leak),
		cmocka_unit_test(blocks_made_at_start_are_stable),
		cmocka_unit_test(a_table_filled_in_the_beginning_is_a_plateau),
		cmocka_unit_test(a_cache_that_fills_ever_slower_is_saturating),
		cmocka_unit_test(what_may_stop_or_go_on_is_not_called_saturating),
		cmocka_unit_test(what_is_hardly_more_likely_a_leak_than_not_is_growing),
		cmocka_unit_test(a_leak_whose_program_became_idle_is_not_called_saturating),
		cmocka_unit_test(what_a_site_keeps_goes_on_in_step_with_what_it_allocates),
		cmocka_unit_test(a_pool_that_empties_again_and_again_is_periodic),
		cmocka_unit_test(judging_a_part_ignores_what_came_before),
		cmocka_unit_test(a_long_run_is_judged_like_a_short_one),
		cmocka_unit_test(the_reasons_name_the_numbers),
		cmocka_unit_test(growth_in_step_with_work_is_said_to_be),
		cmocka_unit_test(the_limit_makes_the_severity),
		cmocka_unit_test(a_withdrawn_leak_is_growing),
		cmocka_unit_test(eleven_snapshots_flag_nothing),
		cmocka_unit_test(a_leak_beside_a_large_base_and_traffic_is_found),
		cmocka_unit_test(a_full_cache_that_replaces_its_oldest_is_no_leak),
		cmocka_unit_test(blocks_are_aged_by_time_where_snapshots_become_rarer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
