/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_round_growth: which sites of a body of work are said to keep growing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "lib/record/epoch.h"
#include "lib/record/live_table.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"
#include "lib/snapshot/round_growth.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"

#define PLACE 0x7a0000000000ull
#define BLOCKS_MOST 4096u

/* The site that a test works with, and its blocks, the oldest first. */
static uint32_t stack;
static uint64_t blocks[BLOCKS_MOST];
static uint32_t block_count, places;

static void add_bytes(uint64_t bytes)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {
		.bytes = bytes, .stack = stack, .epoch = epoch_now(), .kind = BLOCK_MALLOC};
	struct live_block old;

	assert_true(block_count < BLOCKS_MOST);
	blocks[block_count++] = PLACE + places++ * 64ull;
	live_table_add(&guard, blocks[block_count - 1], &block, &old);
}

static void add(void)
{
	add_bytes(40);
}

/* The one with the number, from the oldest on. */
static void remove_at(uint32_t number)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block;

	assert_true(live_table_remove(&guard, blocks[number], &block));
	for (block_count--; number < block_count; number++)
		blocks[number] = blocks[number + 1];
}

static uint32_t new_stack(void)
{
	static uint64_t number = 100;
	uint64_t frame = module_list_at(0)->start + ++number;

	return lib_stack_id(&frame, 1);
}

static int run_here(void (*work)(void *context), void *context)
{
	work(context);
	return 0;
}

struct found {
	uint32_t sites, stack;
	uint64_t blocks, bytes;
};

static void note(uint32_t found_stack, uint64_t found_blocks, uint64_t bytes, void *context)
{
	struct found *found = context;

	found->sites++;
	found->stack = found_stack;
	found->blocks = found_blocks;
	found->bytes = bytes;
}

typedef void round_body(uint32_t round);

static struct found play(uint32_t rounds, round_body *body)
{
	struct round_growth *growth = round_growth_start(rounds);
	struct found found = {.sites = 0};

	assert_non_null(growth);
	stack = new_stack();
	for (uint32_t round = 1; round <= rounds; round++) {
		body(round);
		assert_int_equal(round_growth_end_round(growth, run_here), 0);
	}
	round_growth_visit(growth, note, &found);
	round_growth_release(growth);
	while (block_count > 0)
		remove_at(0);
	return found;
}

/* ---- what grows ---------------------------------------------------------------------------- */

static void keep_one(uint32_t round)
{
	(void)round;
	add();
}

static void one_block_a_round_is_found_with_what_it_has_grown_by(void **state)
{
	(void)state;
	for (uint32_t rounds = 2; rounds <= 40; rounds++) {
		struct found found = play(rounds, keep_one);
		uint32_t judged = rounds - (rounds / 4 > 0 ? rounds / 4 : 1);

		assert_int_equal(found.sites, 1);
		assert_int_equal(found.stack, stack);
		assert_int_equal(found.blocks, judged);
		assert_int_equal(found.bytes, judged * 40);
	}
}

static void lengthen(uint32_t round)
{
	if (block_count > 0)
		remove_at(0);
	add_bytes(100 * round);
}

static void a_block_that_becomes_longer_is_found(void **state)
{
	struct found found = play(8, lengthen);

	(void)state;
	assert_int_equal(found.sites, 1);
	assert_int_equal(found.blocks, 0);
	assert_int_equal(found.bytes, 600);
}

static struct lib_random chance;

/* So much is busy that no round says anything, and one stays. */
static void keep_one_of_many(uint32_t round)
{
	static uint32_t busy;

	busy = round == 1 ? 0 : busy;
	for (; busy > 0; busy--)
		remove_at(block_count - 1);
	add();
	for (busy = (uint32_t)lib_random_below(&chance, 50); block_count < busy + round;)
		add();
	busy = block_count - round;
}

static void what_grows_old_is_found_beside_what_comes_and_goes(void **state)
{
	(void)state;
	chance = lib_random_start();
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(play(16, keep_one_of_many).sites, 1);
		assert_int_equal(play(20, keep_one_of_many).sites, 1);
		assert_int_equal(play(100, keep_one_of_many).sites, 1);
	}
}

/* ---- what does not ------------------------------------------------------------------------- */

static void keep_in_warm_up(uint32_t round)
{
	for (uint32_t i = 0; round <= 5 && i < 10; i++)
		add();
}

static void fill_until_half(uint32_t round)
{
	for (uint32_t i = 0; i < 3; i++) {
		add();
		if (block_count > 30)
			remove_at(0);
	}
	(void)round;
}

static void double_now_and_then(uint32_t round)
{
	while (block_count < 1u << (31 - __builtin_clz(round)))
		add();
}

static void come_and_go(uint32_t round)
{
	while (round % 7 == 0 && block_count > 0)
		remove_at(0);
	add();
}

static void be_busy(uint32_t round)
{
	(void)round;
	while (block_count > 0)
		remove_at(0);
	for (uint32_t left = (uint32_t)lib_random_below(&chance, 50); left > 0; left--)
		add();
}

/* What is replaced is any of them: some become as old as the run. */
static void replace_any(uint32_t round)
{
	while (round == 1 && block_count < 50)
		add();
	for (uint32_t i = 0; i < 10; i++) {
		remove_at((uint32_t)lib_random_below(&chance, block_count));
		add();
	}
}

static void what_stops_or_comes_and_goes_is_not_found(void **state)
{
	static round_body *const bodies[] = {keep_in_warm_up, fill_until_half, double_now_and_then,
					     come_and_go, be_busy};

	(void)state;
	chance = lib_random_start();
	for (uint32_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (uint32_t again = 0; again < 10; again++)
			if (play(20, bodies[i]).sites != 0)
				fail_msg("body %u is said to grow", i);
}

/* Chance lets the old ones become more in five stretches after each other, once in some hundred tests. */
static void what_is_replaced_at_random_is_hardly_ever_found(void **state)
{
	uint32_t found = 0;

	(void)state;
	chance = lib_random_start();
	for (uint32_t i = 0; i < 400; i++)
		found += play(20, replace_any).sites;
	print_message("          %u of 400\n", found);
	assert_true(found <= 20);
}

static void before_the_last_round_nothing_has_grown(void **state)
{
	struct round_growth *growth = round_growth_start(4);
	struct found found = {.sites = 0};

	(void)state;
	stack = new_stack();
	for (uint32_t round = 1; round < 4; round++) {
		add();
		assert_int_equal(round_growth_end_round(growth, run_here), 0);
	}
	round_growth_visit(growth, note, &found);
	assert_int_equal(found.sites, 0);
	add();
	assert_int_equal(round_growth_end_round(growth, run_here), 0);
	round_growth_visit(growth, note, &found);
	assert_int_equal(found.sites, 1);
	assert_int_equal(round_growth_judged(growth), 3);
	/* One more than was said. */
	assert_int_equal(round_growth_end_round(growth, run_here), -EINVAL);
	round_growth_release(growth);
	while (block_count > 0)
		remove_at(0);
}

static int fail_to_run(void (*work)(void *context), void *context)
{
	(void)work;
	(void)context;
	return -ESRCH;
}

static void an_error_stays(void **state)
{
	struct round_growth *growth = round_growth_start(3);

	(void)state;
	assert_int_equal(round_growth_end_round(growth, fail_to_run), -ESRCH);
	assert_int_equal(round_growth_end_round(growth, run_here), -ESRCH);
	assert_int_equal(round_growth_error(growth), -ESRCH);
	round_growth_release(growth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_block_a_round_is_found_with_what_it_has_grown_by),
		cmocka_unit_test(a_block_that_becomes_longer_is_found),
		cmocka_unit_test(what_grows_old_is_found_beside_what_comes_and_goes),
		cmocka_unit_test(what_stops_or_comes_and_goes_is_not_found),
		cmocka_unit_test(what_is_replaced_at_random_is_hardly_ever_found),
		cmocka_unit_test(before_the_last_round_nothing_has_grown),
		cmocka_unit_test(an_error_stays),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
