/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_weight: which leaks are lost in a crowd, and which matter however many there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/finding.h"
#include "tools/model/profile.h"
#include "tools/model/weight.h"

#define SNAPSHOTS 40
#define MAX_SITES 400
#define HEAP_BYTES 10000000u
#define MIB_PER_HOUR 1048576.0

/* 3,600 s with the same heap throughout; leaks since the beginning. */
struct program {
	struct profile profile;
	struct snapshot snapshots[SNAPSHOTS];
	struct judgement judgements[MAX_SITES];
	uint32_t members[MAX_SITES];
	struct finding finding;
	struct finding_list list;
};

static struct program *program_new(void)
{
	struct program *program = calloc(1, sizeof(*program));
	assert_non_null(program);
	program->profile =
		(struct profile){.snapshots = program->snapshots, .snapshot_count = SNAPSHOTS};
	for (size_t i = 0; i < SNAPSHOTS; i++)
		program->snapshots[i] = (struct snapshot){
			.time_s = 3600.0 * (double)(i + 1) / SNAPSHOTS,
			.raw.live_bytes = HEAP_BYTES,
		};
	return program;
}

static struct judgement *add_sites(struct program *program, size_t count, enum verdict verdict,
				   double bytes_per_hour)
{
	struct judgement *first = &program->judgements[program->profile.site_count];
	for (size_t i = 0; i < count; i++)
		first[i] = (struct judgement){
			.verdict = verdict,
			.is_flagged = verdict == VERDICT_LEAK,
			.confidence = 1,
			.growth.bytes_per_hour = bytes_per_hour,
			.evidence.drift_p = 1e-9,
		};
	program->profile.site_count += count;
	return first;
}

/* All sites from `first` on are one finding. */
static void add_group(struct program *program, const struct judgement *first, double bytes_per_hour)
{
	size_t count = 0, begin = (size_t)(first - program->judgements);
	for (size_t i = begin; i < program->profile.site_count; i++)
		program->members[count++] = (uint32_t)i;
	program->finding = (struct finding){
		.kind = FINDING_CALLEE,
		.depth = 1,
		.judgement = *first,
		.sites = program->members,
		.site_count = count,
	};
	program->finding.judgement.verdict = VERDICT_LEAK;
	program->finding.judgement.is_flagged = true;
	program->finding.judgement.growth.bytes_per_hour = bytes_per_hour;
	program->list = (struct finding_list){&program->finding, 1};
}

static void weigh(struct program *program)
{
	assert_true(weight_set_minor(&program->profile, 0, SNAPSHOTS - 1, program->judgements,
				     &program->list));
}

static size_t count_flagged(const struct judgement *judgements, size_t count)
{
	size_t flagged = 0;
	for (size_t i = 0; i < count; i++)
		flagged += judgements[i].is_flagged;
	return flagged;
}

static void in_a_crowd_of_small_leaks_none_is_flagged(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *leaks = add_sites(program, 300, VERDICT_LEAK, 50000);
	weigh(program);
	assert_int_equal(count_flagged(leaks, 300), 0);
	assert_int_equal(leaks[7].verdict, VERDICT_GROWING);
	assert_true(leaks[7].is_minor);
	/* It has half of the hundredth of the heap that would flag it. */
	assert_in_range(leaks[7].snapshots_needed, SNAPSHOTS - 4, SNAPSHOTS + 4);
	free(program);
}

static void one_that_stands_out_of_the_crowd_is(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *small = add_sites(program, 300, VERDICT_LEAK, 1000);
	struct judgement *fast = add_sites(program, 1, VERDICT_LEAK, 50000);
	weigh(program);
	assert_int_equal(count_flagged(small, 300), 0);
	assert_true(fast->is_flagged); /* a tenth of them all, though not of the heap */
	assert_false(fast->is_minor);
	free(program);
}

static void so_is_one_that_frees_most_and_forgets_some(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *small = add_sites(program, 300, VERDICT_LEAK, 50000);
	for (size_t i = 0; i < 300; i++)
		small[i].evidence = (struct verdict_evidence){
			.drift_p = 1e-9, .births = 400, .freed = i % 10 ? 0 : 40};
	struct judgement *forgotten = add_sites(program, 1, VERDICT_LEAK, 10);
	forgotten->evidence.births = 400;
	forgotten->evidence.freed = 360;
	weigh(program);
	assert_int_equal(count_flagged(small, 300), 0);
	assert_true(forgotten->is_flagged);
	assert_false(forgotten->is_minor);
	free(program);
}

static void so_is_one_with_a_hundredth_of_the_heap(void **state)
{
	(void)state;
	struct program *program = program_new();
	add_sites(program, 300, VERDICT_GROWING, 50 * MIB_PER_HOUR);
	struct judgement *large = add_sites(program, 1, VERDICT_LEAK, 0.012 * HEAP_BYTES);
	struct judgement *small = add_sites(program, 1, VERDICT_LEAK, 0.008 * HEAP_BYTES);
	weigh(program);
	assert_true(large->is_flagged);
	assert_false(small->is_flagged);
	free(program);
}

static void where_few_sites_grow_the_smallest_leak_is_flagged(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *large = add_sites(program, 20, VERDICT_LEAK, 500 * MIB_PER_HOUR);
	struct judgement *small = add_sites(program, 1, VERDICT_LEAK, 10);
	weigh(program);
	assert_int_equal(count_flagged(large, 20), 20);
	assert_true(small->is_flagged);
	free(program);
}

static void filling_caches_are_no_crowd(void **state)
{
	(void)state;
	struct program *program = program_new();
	add_sites(program, 300, VERDICT_SATURATING, 50 * MIB_PER_HOUR);
	struct judgement *slowing = add_sites(program, 60, VERDICT_GROWING, 50 * MIB_PER_HOUR);
	for (size_t i = 0; i < 60; i++)
		slowing[i].evidence.is_slowing = true;
	struct judgement *small = add_sites(program, 1, VERDICT_LEAK, 10);
	weigh(program);
	assert_true(small->is_flagged);
	free(program);
}

static void a_wrapper_that_is_most_of_the_growth_is_not_weighed_caller_by_caller(void **state)
{
	(void)state;
	struct program *program = program_new();
	add_sites(program, 100, VERDICT_GROWING, 1000);
	struct judgement *callers = add_sites(program, 80, VERDICT_LEAK, 20000);
	add_group(program, callers, 80 * 20000);
	weigh(program);
	assert_int_equal(count_flagged(callers, 80), 80);
	assert_true(program->finding.judgement.is_flagged);
	free(program);
}

static void hundreds_of_callers_are_a_program_that_keeps_what_it_makes(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *callers = add_sites(program, 300, VERDICT_LEAK, 20000);
	add_group(program, callers, 300 * 20000);
	weigh(program);
	assert_int_equal(count_flagged(callers, 300), 0);
	assert_int_equal(program->finding.judgement.verdict, VERDICT_GROWING);
	assert_false(program->finding.judgement.is_flagged);
	free(program);
}

static void a_group_leaks_without_a_flagged_site_when_it_is_most_of_the_growth(void **state)
{
	(void)state;
	struct program *program = program_new();
	struct judgement *callers = add_sites(program, 20, VERDICT_GROWING, 1000);
	add_group(program, callers, 20000);
	weigh(program);
	assert_true(program->finding.judgement.is_flagged);

	/* Too irregular for one that was looked for among hundreds. */
	program->finding.judgement.evidence.drift_p = 0.001;
	weigh(program);
	assert_false(program->finding.judgement.is_flagged);

	add_group(program, callers, 20000);
	add_sites(program, 1, VERDICT_GROWING, 50000);
	weigh(program);
	assert_false(program->finding.judgement.is_flagged);
	free(program);
}

static void a_program_without_sites_has_nothing_to_weigh(void **state)
{
	(void)state;
	struct program *program = program_new();
	weigh(program);
	free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_crowd_of_small_leaks_none_is_flagged),
		cmocka_unit_test(one_that_stands_out_of_the_crowd_is),
		cmocka_unit_test(so_is_one_that_frees_most_and_forgets_some),
		cmocka_unit_test(so_is_one_with_a_hundredth_of_the_heap),
		cmocka_unit_test(where_few_sites_grow_the_smallest_leak_is_flagged),
		cmocka_unit_test(filling_caches_are_no_crowd),
		cmocka_unit_test(
			a_wrapper_that_is_most_of_the_growth_is_not_weighed_caller_by_caller),
		cmocka_unit_test(hundreds_of_callers_are_a_program_that_keeps_what_it_makes),
		cmocka_unit_test(
			a_group_leaks_without_a_flagged_site_when_it_is_most_of_the_growth),
		cmocka_unit_test(a_program_without_sites_has_nothing_to_weigh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
