/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lengthening_buffers: sites that grow in bytes while their blocks stay as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tools/made_site.h"
#include "tools/model/profile.h"
#include "tools/model/verdict.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_buffer_that_realloc_lengthens_is_a_leak),
		cmocka_unit_test(a_lengthening_buffer_that_some_snapshots_missed_is_still_a_leak),
		cmocka_unit_test(blocks_replaced_by_others_of_all_lengths_are_no_leak),
		cmocka_unit_test(a_buffer_that_found_its_size_is_no_leak),
		cmocka_unit_test(a_vector_that_goes_on_doubling_is_a_leak),
		cmocka_unit_test(an_arena_that_adds_ever_longer_chunks_is_a_leak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
