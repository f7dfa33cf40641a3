/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_free_pairs: pairs of stacks are counted exactly, by many threads, over forks, and up to a bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/region.h"
#include "lib/record/call_tree.h"
#include "lib/record/free_pairs.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"
#include "tests/support/lib_step_forks.h"

#define SITES 600u
#define THREADS 4u

static uint32_t stacks[SITES];
static struct stack_pair pairs[FREE_PAIRS_MAX];
static uint32_t pair_count;
static uint64_t truth[SITES][SITES];

/* Runs what follows in a child, which begins without pairs; its failures are ours. */
static void in_child(void (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		free_pairs_postfork_child();
		run();
		free_pairs_verify();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void expect(bool is_so)
{
	if (!is_so)
		abort();
}

static uint32_t index_of(uint32_t stack)
{
	for (uint32_t i = 0; i < SITES; i++)
		if (stacks[i] == stack)
			return i;
	abort();
}

static uint64_t samples_of(uint32_t allocated_by, uint32_t freed_by)
{
	uint64_t samples = 0;

	for (uint32_t i = 0; i < pair_count; i++)
		if (pairs[i].allocated_by == allocated_by && pairs[i].freed_by == freed_by) {
			expect(samples == 0); /* it is there once */
			samples = pairs[i].samples;
		}
	return samples;
}

static uint64_t read_all(void)
{
	uint64_t samples = 0;

	pair_count = free_pairs_read(pairs, FREE_PAIRS_MAX);
	for (uint32_t i = 0; i < pair_count; i++)
		samples += pairs[i].samples;
	return samples;
}

static void count_some(void)
{
	struct lib_random random = lib_random_start();

	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t site = (uint32_t)lib_random_below(&random, 40);
		uint32_t freer = (uint32_t)lib_random_below(&random, 30);

		free_pairs_add(stacks[site], stacks[freer]);
		truth[site][freer]++;
	}
	expect(read_all() == 100000);
	expect(pair_count == 40 * 30);
	for (uint32_t i = 0; i < pair_count; i++)
		expect(pairs[i].samples ==
		       truth[index_of(pairs[i].allocated_by)][index_of(pairs[i].freed_by)]);
	expect(free_pairs_sum().samples == 100000 && free_pairs_sum().lost == 0);
	expect(free_pairs_sum().pairs == 40 * 30);
	expect(free_pairs_read(pairs, 100) == 100);
}

static void pairs_are_counted_exactly(void **state)
{
	(void)state;
	in_child(count_some);
}

static uint64_t seed;

static void add_many(uint32_t number, void *unused)
{
	/* All the same pairs, in the same order, so that they are all new to all at the same time. */
	struct lib_random random = {seed};

	(void)number;
	(void)unused;
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t choice = lib_random_next(&random);

		free_pairs_add(stacks[choice % 150], stacks[choice >> 32 & 63]);
	}
}

static void add_by_many(void)
{
	struct lib_crowd crowd;

	seed = lib_random_start().state;
	lib_crowd_start(&crowd, THREADS, add_many, NULL);
	lib_crowd_join(&crowd);
	expect(read_all() == THREADS * 20000);
	for (uint32_t i = 0; i < pair_count; i++) {
		expect(pairs[i].samples % THREADS == 0);
		expect(samples_of(pairs[i].allocated_by, pairs[i].freed_by) == pairs[i].samples);
	}
}

static void threads_that_meet_a_new_pair_count_it_as_one(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		in_child(add_by_many);
}

static void fill_up(void)
{
	uint64_t added = 0;
	size_t bytes;

	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t site = 0; site < SITES; site++)
			for (uint32_t freer = 0; freer < SITES; freer++, added++)
				free_pairs_add(stacks[site], stacks[freer]);
	bytes = region_mapped_bytes();
	/* What has a place keeps it; the others are known to be missing. */
	expect(read_all() + free_pairs_sum().lost == added);
	expect(pair_count > 80000 && pair_count <= FREE_PAIRS_MAX);
	for (uint32_t i = 0; i < pair_count; i++)
		expect(pairs[i].samples == 2);
	for (uint32_t site = 0; site < SITES; site++)
		free_pairs_add(stacks[site], stacks[0]);
	expect(region_mapped_bytes() == bytes);
}

static void a_full_table_counts_what_it_loses(void **state)
{
	(void)state;
	in_child(fill_up);
}

static void free_by_unknown_stack(void)
{
	free_pairs_add(stacks[1], CALL_TREE_NO_ROOM);
	expect(free_pairs_sum().samples == 0 && free_pairs_sum().lost == 1);
}

static void a_stack_for_which_there_was_no_room_is_lost(void **state)
{
	(void)state;
	in_child(free_by_unknown_stack);
}

static void count_in_a_child(void)
{
	expect(read_all() == 0 && pair_count == 0);
	expect(free_pairs_sum().samples == 0 && free_pairs_sum().lost == 0);
	free_pairs_add(stacks[3], stacks[4]);
	expect(read_all() == 1 && samples_of(stacks[3], stacks[4]) == 1);
}

static void a_child_counts_anew_and_the_parent_goes_on(void **state)
{
	uint64_t before = read_all();

	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		free_pairs_add(stacks[3], stacks[4]);
	free_pairs_add(stacks[3], CALL_TREE_NO_ROOM);
	in_child(count_in_a_child);
	assert_int_equal(read_all(), before + 7);
	assert_int_equal(samples_of(stacks[3], stacks[4]), 7);
	assert_int_equal(free_pairs_sum().lost, 1);
	free_pairs_verify();
}

/* ---- a fork after each instruction ---------------------------------------------------------------- */

static void step_through(uint32_t allocated_by, uint32_t freed_by)
{
	uint64_t counted;

	lib_step_forks_begin();
	free_pairs_add(allocated_by, freed_by);
	lib_step_forks_end();
	if (!lib_step_forks_is_child)
		return;
	/* The interrupted sample is counted or not; none of another pair comes of it. */
	counted = read_all();
	expect(counted <= 1 && samples_of(allocated_by, freed_by) == counted);
	free_pairs_verify();
	for (uint32_t site = 0; site < SITES; site++)
		free_pairs_add(stacks[site], freed_by);
	read_all();
	for (uint32_t site = 0; site < SITES; site++)
		expect(samples_of(stacks[site], freed_by) ==
		       1 + (stacks[site] == allocated_by ? counted : 0));
	_exit(0);
}

static void an_addition_goes_on_in_a_child_that_was_forked_inside(void **state)
{
	(void)state;
	lib_step_forks_use(free_pairs_postfork_child);
	step_through(stacks[5], stacks[6]); /* new */
	step_through(stacks[5], stacks[6]);
	/* The same where many lie in the way, in rows of the first two tables. */
	for (uint32_t i = 0; i < 1500; i++)
		free_pairs_add(stacks[i % SITES], stacks[8 + i / SITES]);
	for (uint32_t i = 0; i < 8; i++)
		step_through(stacks[5 + i], stacks[20]);
	lib_step_forks_check(31);
	read_all();
	assert_int_equal(samples_of(stacks[5], stacks[6]), 2);
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	for (uint32_t i = 0; i < SITES; i++) {
		const uint64_t frames[] = {0x10000 + i, 0x20000 + i % 7};

		stacks[i] = lib_stack_id(frames, 2);
	}
	return 0;
}

static void no_memory_before_the_first_sample(void **state)
{
	size_t bytes = region_mapped_bytes();

	(void)state;
	assert_int_equal(read_all(), 0);
	assert_int_equal(free_pairs_sum().samples, 0);
	free_pairs_verify();
	assert_int_equal(region_mapped_bytes(), bytes);
	free_pairs_add(stacks[0], stacks[1]);
	assert_int_equal(region_mapped_bytes(), bytes + 16384);
	in_child(count_in_a_child);
	assert_int_equal(read_all(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_before_the_first_sample),
		cmocka_unit_test(pairs_are_counted_exactly),
		cmocka_unit_test(threads_that_meet_a_new_pair_count_it_as_one),
		cmocka_unit_test(a_full_table_counts_what_it_loses),
		cmocka_unit_test(a_stack_for_which_there_was_no_room_is_lost),
		cmocka_unit_test(a_child_counts_anew_and_the_parent_goes_on),
		cmocka_unit_test(an_addition_goes_on_in_a_child_that_was_forked_inside),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
