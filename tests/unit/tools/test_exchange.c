/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_exchange: leaks that are only what other sites of a pool lose, and those that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tools/model/exchange.h"
#include "tools/model/profile.h"
#include "tools/model/verdict.h"

#define SNAPSHOTS 48
#define FEW 36 /* of them */
#define SITES 6
#define OTHER (SITES - 1) /* in no pool */
#define WRAPPER_PC 0x1000
#define WAVE 6 /* snapshots */

/* Stacks of three frames: main, a caller of its own for each site, and for all but the last one the
 * function that keeps a list of what was freed. */
struct program {
	struct profile profile;
	struct stack_node nodes[2 * SITES + 2];
	struct snapshot snapshots[SNAPSHOTS];
	struct site sites[SITES];
	struct site_point points[SITES][SNAPSHOTS];
	struct cohort cohorts[SITES][SNAPSHOTS][SNAPSHOTS];
	struct judgement judgements[SITES];
};

static struct program *program_new(void)
{
	struct program *program = calloc(1, sizeof(*program));
	assert_non_null(program);
	program->nodes[1] = (struct stack_node){0, PROFILE_NO_MODULE, 0x2000};
	for (uint32_t i = 0; i < SITES; i++) {
		program->nodes[2 + 2 * i] =
			(struct stack_node){1, PROFILE_NO_MODULE, 0x3000 + 16 * i};
		program->nodes[3 + 2 * i] = (struct stack_node){
			2 + 2 * i, PROFILE_NO_MODULE, i + 1 < SITES ? WRAPPER_PC : 0x4000};
		program->sites[i] = (struct site){3 + 2 * i, SNAPSHOTS, program->points[i]};
		program->judgements[i].verdict = VERDICT_STABLE;
	}
	for (uint32_t i = 0; i < SNAPSHOTS; i++)
		program->snapshots[i] = (struct snapshot){.epoch = i + 1, .time_s = 10.0 * (i + 1)};
	program->profile = (struct profile){
		.nodes = program->nodes,
		.node_count = 2 * SITES + 2,
		.snapshots = program->snapshots,
		.snapshot_count = SNAPSHOTS,
		.sites = program->sites,
		.site_count = SITES,
	};
	return program;
}

static void set_live(struct program *program, size_t site, size_t snapshot, uint64_t blocks)
{
	program->points[site][snapshot] =
		(struct site_point){.snapshot = (uint32_t)snapshot, .live_blocks = blocks};
	program->snapshots[snapshot].raw.live_blocks += blocks;
}

/* Adds live blocks that were born by the snapshot `birth`; they come in rising order. */
static void add_born(struct program *program, size_t site, size_t snapshot, size_t birth,
		     uint64_t blocks)
{
	struct site_point *point = &program->points[site][snapshot];
	struct cohort *cohorts = program->cohorts[site][snapshot];

	point->snapshot = (uint32_t)snapshot;
	point->cohorts = cohorts;
	cohorts[point->cohort_count++] = (struct cohort){(uint32_t)birth + 1, blocks, 32 * blocks};
	point->live_blocks += blocks;
	point->live_bytes += 32 * blocks;
	program->snapshots[snapshot].raw.live_blocks += blocks;
}

static void set_allocations(struct program *program, size_t site, size_t snapshot, uint64_t count)
{
	program->points[site][snapshot].allocations = count;
	program->points[site][snapshot].allocated_bytes = 32 * count;
	program->snapshots[snapshot].raw.allocations += count;
}

static enum verdict ask_after(struct program *program, size_t count)
{
	program->judgements[0] = (struct judgement){.verdict = VERDICT_LEAK, .is_flagged = true};
	assert_true(exchange_withdraw(&program->profile, 0, count - 1, program->judgements));
	assert_int_equal(program->judgements[0].is_flagged,
			 program->judgements[0].verdict == VERDICT_LEAK);
	enum verdict verdict = program->judgements[0].verdict;
	free(program);
	return verdict;
}

static enum verdict ask(struct program *program)
{
	return ask_after(program, SNAPSHOTS);
}

static void what_siblings_lose_is_no_leak(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		set_live(program, 0, t, 100 + 5 * t);
		set_live(program, 1, t, 700 - 3 * t);
		set_live(program, 2, t, 500 - 2 * t + t % 3);
		set_live(program, OTHER, t, 1000 + 300 * (t % 2)); /* somebody else */
	}
	assert_int_equal(ask(program), VERDICT_PLATEAU);
}

static void what_they_keep_is_one(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		set_live(program, 0, t, 100 + 5 * t);
		set_live(program, 1, t, 700);
		set_live(program, 2, t, 500 + t % 3);
		set_live(program, OTHER, t, 1000);
	}
	assert_int_equal(ask(program), VERDICT_LEAK);
}

/* As in a compiler: the other sites of its allocating function become fewer, and vary by themselves. */
static void what_others_lose_without_being_in_step_does_not_hide_one(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		set_live(program, 0, t, 100 + 5 * t);
		set_live(program, 1, t, 700 - 5 * t + 10 * (t % 4));
		set_live(program, 2, t, 500);
		set_live(program, OTHER, t, 1000 + 40 * t);
	}
	assert_int_equal(ask(program), VERDICT_LEAK);
}

static void what_others_lose_by_the_way_does_not_hide_one(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		set_live(program, 0, t, 100 + 5 * t);
		set_live(program, 1, t, 900 - 20 * t);
		set_live(program, 2, t, 500);
		set_live(program, OTHER, t, 1000);
	}
	assert_int_equal(ask(program), VERDICT_LEAK);
}

/* As when an element moves from list to list, and is made anew in another function each time. */
static void a_process_with_as_many_blocks_as_ever_does_not_leak(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		set_live(program, 0, t, 100 + 5 * t);
		set_live(program, 1, t, 700);
		set_live(program, 2, t, 500 + t % 3);
		set_live(program, OTHER, t, 1000 - 5 * t);
	}
	assert_int_equal(ask(program), VERDICT_PLATEAU);
}

static void a_pool_that_filled_in_the_first_half_is_level(void **state)
{
	(void)state;
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		uint64_t pool = t < SNAPSHOTS / 2 ? 30 * t : 30 * SNAPSHOTS / 2;
		set_live(program, 0, t, 5 * t);
		set_live(program, 1, t, pool - 5 * t);
		set_live(program, OTHER, t, 1000 + 10 * t);
	}
	assert_int_equal(ask(program), VERDICT_PLATEAU);
}

/* A pool that goes up by 30 blocks a snapshot and is given nearly all back at once, with as many blocks as
 * before at its lowest. The others lose `lost_by_others` a snapshot of the 3 that the first site gains, and
 * allocate so many more that they free at once. */
static struct program *pool_of_waves(size_t lost_by_others, size_t allocated_besides)
{
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		for (size_t birth = 0; birth <= t; birth++)
			add_born(program, 0, t, birth, birth ? 3 : 100);
		add_born(program, 1, t, 0, 700 - lost_by_others * 2 * t / 3);
		add_born(program, 2, t, 0, 500 - lost_by_others * t / 3);
		for (size_t birth = t - t % WAVE + 1; birth <= t; birth++)
			add_born(program, 2, t, birth, 30);
		set_live(program, OTHER, t, 1000 + 40 * t);
		set_allocations(program, 0, t, 100 + 3 * t);
		set_allocations(program, 1, t, 700 + allocated_besides * t);
		set_allocations(program, 2, t, 500 + 30 * t);
	}
	return program;
}

static void what_blocks_handed_out_again_carry_from_site_to_site_is_no_leak(void **state)
{
	(void)state;
	assert_int_equal(ask(pool_of_waves(3, 0)), VERDICT_PLATEAU);
}

/* A pool that was lower once than it mostly is at its lowest: with few snapshots it may as well grow. */
static struct program *pool_that_was_low_at(size_t snapshot)
{
	struct program *program = pool_of_waves(3, 0);
	program->points[1][snapshot].live_blocks -= 40;
	program->cohorts[1][snapshot][0].blocks -= 40;
	return program;
}

static void where_few_low_points_are_seen_what_a_pool_gains_may_be_a_leak(void **state)
{
	(void)state;
	assert_int_equal(ask_after(pool_that_was_low_at(3 * WAVE), FEW), VERDICT_LEAK);
	assert_int_equal(ask(pool_that_was_low_at(5 * WAVE)), VERDICT_PLATEAU);
	assert_int_equal(ask_after(pool_of_waves(3, 0), FEW), VERDICT_PLATEAU);
}

/* As through xmalloc: that others lose as much is chance where nobody hands anything out. */
static void what_is_lost_where_all_free_at_their_own_pace_does_not_hide_one(void **state)
{
	(void)state;
	assert_int_equal(ask(pool_of_waves(3, 100)), VERDICT_LEAK);
}

static void a_pool_that_holds_more_at_its_lowest_does_not_hide_one(void **state)
{
	(void)state;
	assert_int_equal(ask(pool_of_waves(0, 0)), VERDICT_LEAK);
	assert_int_equal(ask(pool_of_waves(1, 0)), VERDICT_LEAK);
}

/* Three sites gain 2 old blocks each a snapshot, another loses `lost`, and all of them have young ones
 * that come and go faster than snapshots are taken. */
static struct program *pool_of_fast_waves(size_t lost)
{
	struct program *program = program_new();
	for (size_t t = 0; t < SNAPSHOTS; t++) {
		uint64_t old[] = {100 + 2 * t, 50 + 2 * t, 70 + 2 * t, 900 - lost * t};
		for (size_t site = 0; site < 4; site++) {
			add_born(program, site, t, 0, old[site]);
			if (t)
				add_born(program, site, t, t, 40 * ((site + 7 * t) % 10));
			set_allocations(program, site, t, 5000 * t);
		}
		set_live(program, OTHER, t, 1000 + 40 * t);
	}
	return program;
}

static void say_that_leaks(struct program *program, size_t site)
{
	program->judgements[site] = (struct judgement){.verdict = VERDICT_LEAK, .is_flagged = true};
}

static void what_several_leaks_gain_and_others_lose_is_none(void **state)
{
	(void)state;
	struct program *program = pool_of_fast_waves(6);
	say_that_leaks(program, 1);
	say_that_leaks(program, 2);
	assert_int_equal(ask(program), VERDICT_PLATEAU);
}

static void several_leaks_stay_where_others_lose_less(void **state)
{
	(void)state;
	struct program *program = pool_of_fast_waves(4);
	say_that_leaks(program, 1);
	say_that_leaks(program, 2);
	assert_int_equal(ask(program), VERDICT_LEAK);
}

static void what_others_lose_behind_fast_waves_does_not_hide_a_single_one(void **state)
{
	(void)state;
	assert_int_equal(ask(pool_of_fast_waves(6)), VERDICT_LEAK);
}

/* ---- swept pools: see low_points.h ---- */

#define SWEPT_SITES                                                                                \
	12	 /* each with a function of its own, blocks of the same size, and one free list */
#define ROUND 14 /* snapshots from sweep to sweep */

/* A collector that sweeps rarely: between two sweeps each of the sites gains. The first one also keeps one
 * block more in every second snapshot, which the others lose or not. The blocks of the last four have a size of
 * their own. */
static struct program *pool_that_is_swept(bool others_lose, uint64_t last_bytes)
{
	struct program *program = program_new();
	struct site *sites = calloc(SWEPT_SITES, sizeof(*sites));
	struct site_point *points = calloc((size_t)SWEPT_SITES * SNAPSHOTS, sizeof(*points));
	struct stack_node *nodes = calloc(SWEPT_SITES + 1, sizeof(*nodes));
	assert_true(sites && points && nodes);
	for (size_t i = 0; i < SWEPT_SITES; i++) {
		nodes[i + 1] = (struct stack_node){0, PROFILE_NO_MODULE, 0x9000 + 16 * i};
		sites[i] = (struct site){(uint32_t)i + 1, SNAPSHOTS, &points[i * SNAPSHOTS]};
		uint64_t bytes = i + 4 >= SWEPT_SITES ? last_bytes : 64;
		for (size_t t = 0; t < SNAPSHOTS; t++) {
			uint64_t live = 200 + 10 * ((t + 3) % ROUND);
			if (!i)
				live += t / 2;
			else if (others_lose) /* in turns, together as much */
				live -= (t / 2 + i - 1) / (SWEPT_SITES - 1);
			points[i * SNAPSHOTS + t] = (struct site_point){
				.snapshot = (uint32_t)t,
				.live_blocks = live,
				.live_bytes = bytes * live,
				.allocations = 500 + 40 * t,
				.allocated_bytes = bytes * (500 + 40 * t),
			};
			program->snapshots[t].raw.live_blocks += live;
		}
	}
	program->profile.nodes = nodes;
	program->profile.node_count = SWEPT_SITES + 1;
	program->profile.sites = sites;
	program->profile.site_count = SWEPT_SITES;
	return program;
}

static enum verdict ask_swept(struct program *program)
{
	struct judgement judgements[SWEPT_SITES] = {{.verdict = VERDICT_LEAK, .is_flagged = true}};
	assert_true(exchange_withdraw(&program->profile, 0, SNAPSHOTS - 1, judgements));
	free((void *)program->profile.nodes);
	free((void *)program->profile.sites[0].points);
	free((void *)program->profile.sites);
	free(program);
	return judgements[0].verdict;
}

static void what_a_pool_of_one_size_does_not_gain_from_sweep_to_sweep_is_no_leak(void **state)
{
	(void)state;
	assert_int_equal(ask_swept(pool_that_is_swept(true, 64)), VERDICT_PLATEAU);
}

static void what_is_left_by_each_sweep_is_one(void **state)
{
	(void)state;
	assert_int_equal(ask_swept(pool_that_is_swept(false, 64)), VERDICT_LEAK);
}

/* No list holds blocks of two sizes: what those of another size lose is chance. */
static void what_blocks_of_another_size_lose_does_not_hide_one(void **state)
{
	(void)state;
	assert_int_equal(ask_swept(pool_that_is_swept(true, 96)), VERDICT_LEAK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_siblings_lose_is_no_leak),
		cmocka_unit_test(what_they_keep_is_one),
		cmocka_unit_test(what_others_lose_without_being_in_step_does_not_hide_one),
		cmocka_unit_test(what_others_lose_by_the_way_does_not_hide_one),
		cmocka_unit_test(a_process_with_as_many_blocks_as_ever_does_not_leak),
		cmocka_unit_test(a_pool_that_filled_in_the_first_half_is_level),
		cmocka_unit_test(what_blocks_handed_out_again_carry_from_site_to_site_is_no_leak),
		cmocka_unit_test(where_few_low_points_are_seen_what_a_pool_gains_may_be_a_leak),
		cmocka_unit_test(what_is_lost_where_all_free_at_their_own_pace_does_not_hide_one),
		cmocka_unit_test(a_pool_that_holds_more_at_its_lowest_does_not_hide_one),
		cmocka_unit_test(what_several_leaks_gain_and_others_lose_is_none),
		cmocka_unit_test(several_leaks_stay_where_others_lose_less),
		cmocka_unit_test(what_others_lose_behind_fast_waves_does_not_hide_a_single_one),
		cmocka_unit_test(
			what_a_pool_of_one_size_does_not_gain_from_sweep_to_sweep_is_no_leak),
		cmocka_unit_test(what_is_left_by_each_sweep_is_one),
		cmocka_unit_test(what_blocks_of_another_size_lose_does_not_hide_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
