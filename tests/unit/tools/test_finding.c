/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_finding: which sites are one leak, and which only lie near one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/finding.h"
#include "tools/model/profile.h"

#define PERIODS 40
#define MAX_SITES 64
#define WRAPPER_PC 0x5000

/* A run of sites that have `traffic` short-lived blocks per period and leak one in `every` of them,
 * the first at period `phase`. */
struct program {
	struct profile profile;
	struct snapshot snapshots[PERIODS];
	struct stack_node nodes[4 * MAX_SITES];
	struct site sites[MAX_SITES];
	struct site_point points[MAX_SITES][PERIODS];
	struct cohort cohorts[MAX_SITES][PERIODS][PERIODS];
	struct judgement judgements[MAX_SITES];
	struct arena *arena;
	struct finding_list list;
};

static struct program *program_new(void)
{
	struct program *program = calloc(1, sizeof(*program));
	assert_non_null(program);
	program->profile = (struct profile){
		.snapshots = program->snapshots,
		.snapshot_count = PERIODS,
		.nodes = program->nodes,
		.node_count = 1,
		.sites = program->sites,
	};
	for (size_t t = 0; t < PERIODS; t++)
		program->snapshots[t] = (struct snapshot){
			.number = (uint32_t)t + 1,
			.epoch = (uint32_t)t + 1,
			.time_s = (double)(t + 1),
			.reason = SEEP_REASON_INTERVAL,
		};
	return program;
}

static uint32_t add_node(struct program *program, uint32_t parent, uint64_t pc)
{
	uint32_t id = (uint32_t)program->profile.node_count++;
	program->nodes[id] = (struct stack_node){parent, PROFILE_NO_MODULE, pc};
	return id;
}

static void add_site(struct program *program, uint32_t stack, uint64_t traffic, size_t every,
		     size_t phase, uint64_t leaked)
{
	size_t index = program->profile.site_count++;
	uint64_t allocations = 0;
	for (size_t t = 0; t < PERIODS; t++) {
		struct site_point *point = &program->points[index][t];
		allocations += traffic;
		*point = (struct site_point){.snapshot = (uint32_t)t,
					     .cohorts = program->cohorts[index][t]};
		for (size_t b = 0; b <= t; b++) {
			bool leaks = every && b % every == phase % every;
			uint64_t blocks = (leaks ? leaked : 0) + (b == t ? traffic / 2 : 0);
			if (b == t)
				allocations += leaks ? leaked : 0;
			if (!blocks)
				continue;
			program->cohorts[index][t][point->cohort_count++] =
				(struct cohort){(uint32_t)b + 1, blocks, blocks * 32};
			point->live_blocks += blocks;
			point->live_bytes += blocks * 32;
		}
		point->allocations = allocations;
		point->allocated_bytes = allocations * 32;
		program->snapshots[t].raw.allocations += allocations;
		program->snapshots[t].raw.live_bytes += point->live_bytes;
	}
	program->sites[index] = (struct site){stack, PERIODS, program->points[index]};
}

/* One whose blocks pile up and are dropped all at once, every `wave` periods. */
static void add_wave(struct program *program, uint32_t stack, uint64_t blocks, size_t wave)
{
	size_t index = program->profile.site_count++;
	for (size_t t = 0; t < PERIODS; t++) {
		struct site_point *point = &program->points[index][t];
		*point = (struct site_point){.snapshot = (uint32_t)t,
					     .cohorts = program->cohorts[index][t]};
		for (size_t b = t - t % wave; b <= t; b++)
			program->cohorts[index][t][point->cohort_count++] =
				(struct cohort){(uint32_t)b + 1, blocks, blocks * 32};
		point->live_blocks = point->cohort_count * blocks;
		point->live_bytes = point->live_blocks * 32;
		point->allocations = blocks * (t + 1);
		point->allocated_bytes = point->allocations * 32;
		program->snapshots[t].raw.allocations += point->allocations;
		program->snapshots[t].raw.live_bytes += point->live_bytes;
	}
	program->sites[index] = (struct site){stack, PERIODS, program->points[index]};
}

static const struct finding_list *find(struct program *program)
{
	for (size_t i = 0; i < program->profile.site_count; i++)
		program->judgements[i] =
			verdict_judge(&program->profile, &program->sites[i], 0, PERIODS - 1);
	program->arena = arena_new();
	assert_non_null(program->arena);
	assert_int_equal(finding_list_make(&program->profile, program->judgements, 0, PERIODS - 1,
					   program->arena, &program->list),
			 0);
	return &program->list;
}

static void program_free(struct program *program)
{
	arena_free(program->arena);
	free(program);
}

/* Thirty functions that allocate and leak nothing. */
static void add_innocent_sites(struct program *program, uint32_t parent)
{
	for (uint64_t i = 0; i < 30; i++)
		add_site(program, add_node(program, parent, 0x9000 + i), 20 + i, 0, 0, 0);
}

/* As a program does that tidies up before it ends. */
static void free_all_at_the_end(struct program *program)
{
	struct snapshot *last = &program->snapshots[PERIODS - 1];
	last->reason = SEEP_REASON_FINAL;
	last->raw.live_bytes = 0;
	for (size_t i = 0; i < program->profile.site_count; i++) {
		struct site_point *point = &program->points[i][PERIODS - 1];
		point->live_blocks = point->live_bytes = 0;
		point->cohort_count = 0;
	}
}

static void what_is_freed_at_the_end_is_one_finding_as_well(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	uint32_t caller = add_node(program, main_node, 0x2000);
	for (uint64_t i = 0; i < 3; i++)
		add_site(program, add_node(program, caller, 0x3000 + i), 50, 1, 0, 3);
	free_all_at_the_end(program);
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLER);
	assert_int_equal(list->findings[0].node, caller);
	assert_int_equal(list->findings[0].site_count, 3);
	program_free(program);
}

static void a_leaking_wrapper_with_twenty_callers_is_one_finding(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	for (uint64_t i = 0; i < 20; i++) {
		uint32_t caller = add_node(program, main_node, 0x2000 + i);
		/* A block in twenty periods: nothing to see at any single one. */
		add_site(program, add_node(program, caller, WRAPPER_PC), 50, 20, i, 1);
	}
	const struct finding_list *list = find(program);
	for (size_t i = 0; i < program->profile.site_count; i++)
		assert_false(program->judgements[i].is_flagged);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLEE);
	assert_int_equal(list->findings[0].depth, 1);
	assert_int_equal(list->findings[0].site_count, 20);
	assert_true(list->findings[0].judgement.is_flagged);
	assert_true(list->findings[0].judgement.growth.blocks_per_hour > 0);
	program_free(program);
}

static void so_is_one_whose_callers_are_all_flagged(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	for (uint64_t i = 0; i < 20; i++) {
		uint32_t caller = add_node(program, main_node, 0x2000 + i);
		add_site(program, add_node(program, caller, WRAPPER_PC), 50, 1, 0, 3);
	}
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLEE);
	assert_int_equal(list->findings[0].site_count, 20);
	program_free(program);
}

static void one_bad_caller_of_an_innocent_wrapper_stands_for_itself(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000), bad = 0;
	for (uint64_t i = 0; i < 20; i++) {
		uint32_t caller = add_node(program, main_node, 0x2000 + i);
		uint32_t stack = add_node(program, caller, WRAPPER_PC);
		add_site(program, stack, 50, i == 7, 0, 3);
		if (i == 7)
			bad = stack;
	}
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_SITE);
	assert_int_equal(list->findings[0].node, bad);
	program_free(program);
}

/* It is reached in five ways, so it is five sites; the wrapper has other callers too. */
static void a_bad_caller_that_is_reached_in_many_ways_is_one_finding(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	for (uint64_t i = 0; i < 15; i++) {
		uint32_t caller = add_node(program, main_node, 0x2000 + i);
		add_site(program, add_node(program, caller, WRAPPER_PC), 50, 0, 0, 0);
	}
	for (uint64_t i = 0; i < 5; i++) {
		uint32_t way = add_node(program, main_node, 0x3000 + i);
		uint32_t bad = add_node(program, way, 0x4000);
		add_site(program, add_node(program, bad, WRAPPER_PC), 50, 1, 0, 2);
	}
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLEE);
	assert_int_equal(list->findings[0].depth, 2);
	assert_int_equal(list->findings[0].site_count, 5);
	program_free(program);
}

static void what_one_function_leaks_in_three_places_is_one_finding(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	uint32_t open_session = add_node(program, main_node, 0x2000);
	for (uint64_t i = 0; i < 3; i++)
		add_site(program, add_node(program, open_session, 0x6000 + i), 0, 1, 0, 4);
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLER);
	assert_int_equal(list->findings[0].node, open_session);
	assert_int_equal(list->findings[0].site_count, 3);
	assert_true(list->findings[0].share_kept > 0.8);
	program_free(program);
}

static void two_leaks_that_have_nothing_in_common_are_two_findings(void **state)
{
	(void)state;
	struct program *program = program_new();
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	add_site(program, add_node(program, add_node(program, main_node, 0x2000), 0x6000), 10, 1, 0,
		 9);
	add_site(program, add_node(program, add_node(program, main_node, 0x2001), 0x6001), 500, 1,
		 0, 2);
	const struct finding_list *list = find(program);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->findings[0].kind, FINDING_SITE);
	assert_int_equal(list->findings[1].kind, FINDING_SITE);
	/* The faster one first. */
	assert_true(list->findings[0].judgement.growth.bytes_per_hour >
		    list->findings[1].judgement.growth.bytes_per_hour);
	program_free(program);
}

/* A wrapper with a wave and two leaks, one of which keeps all of what it allocates and the other a part. */
static const struct finding_list *find_two_leaks(struct program *program, uint64_t traffic)
{
	uint32_t main_node = add_node(program, 0, 0x1000);
	add_innocent_sites(program, main_node);
	for (uint64_t i = 0; i < 3; i++) {
		uint32_t caller = add_node(program, main_node, 0x2000 + 16 * i);
		uint32_t stack = add_node(program, caller, WRAPPER_PC);
		if (i < 2)
			add_site(program, stack, i * traffic, 1, 0, 5);
		else
			add_wave(program, stack, 30, 8);
	}
	return find(program);
}

static void two_leaks_through_a_function_that_hands_out_again_are_one_finding(void **state)
{
	(void)state;
	struct program *program = program_new();
	const struct finding_list *list = find_two_leaks(program, 12);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->findings[0].kind, FINDING_CALLEE);
	assert_int_equal(list->findings[0].depth, 1);
	assert_true(list->findings[0].site_count >= 2);
	program_free(program);
}

static void through_one_whose_callers_free_at_their_own_pace_they_are_two(void **state)
{
	(void)state;
	struct program *program = program_new();
	const struct finding_list *list = find_two_leaks(program, 200);
	assert_int_equal(list->count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(list->findings[i].kind, FINDING_SITE);
	program_free(program);
}

static void a_healthy_program_has_no_findings(void **state)
{
	(void)state;
	struct program *program = program_new();
	add_innocent_sites(program, add_node(program, 0, 0x1000));
	assert_int_equal(find(program)->count, 0);
	program_free(program);
}

static void a_program_without_sites_has_none_either(void **state)
{
	(void)state;
	struct program *program = program_new();
	assert_int_equal(find(program)->count, 0);
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_freed_at_the_end_is_one_finding_as_well),
		cmocka_unit_test(a_leaking_wrapper_with_twenty_callers_is_one_finding),
		cmocka_unit_test(so_is_one_whose_callers_are_all_flagged),
		cmocka_unit_test(one_bad_caller_of_an_innocent_wrapper_stands_for_itself),
		cmocka_unit_test(a_bad_caller_that_is_reached_in_many_ways_is_one_finding),
		cmocka_unit_test(what_one_function_leaks_in_three_places_is_one_finding),
		cmocka_unit_test(two_leaks_that_have_nothing_in_common_are_two_findings),
		cmocka_unit_test(two_leaks_through_a_function_that_hands_out_again_are_one_finding),
		cmocka_unit_test(through_one_whose_callers_free_at_their_own_pace_they_are_two),
		cmocka_unit_test(a_healthy_program_has_no_findings),
		cmocka_unit_test(a_program_without_sites_has_none_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
