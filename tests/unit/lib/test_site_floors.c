/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_floors: the growth of sites that leak, fill up, come and go, each over a run of its
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/record/call_tree.h"
#include "lib/snapshot/site_floors.h"

#define SECOND 1000000000ull

typedef uint64_t course(uint64_t second);

static bool is_told; /* in the last snapshot of the run */

/* A run with a snapshot each second; what is said in the last one. Each has a site of its own. */
static uint64_t rate(course *bytes, uint64_t seconds)
{
	static uint32_t stack = 100;
	uint64_t found = 0, other;

	site_floors_forget();
	stack += 7;
	for (uint64_t i = 1; i <= seconds; i++) {
		site_floors_begin(i * SECOND);
		is_told = site_floors_note(stack, bytes(i), &found);
		assert_int_equal(site_floors_note(stack + 1, 0, &other), is_told);
		assert_int_equal(other, 0);
	}
	return found;
}

/* The most that was ever said during the run, from the 16th snapshot on. */
static uint64_t highest_rate(course *bytes, uint64_t seconds)
{
	uint64_t highest = 0;

	for (uint64_t i = 16; i <= seconds; i++) {
		uint64_t found = rate(bytes, i);

		highest = found > highest ? found : highest;
	}
	return highest;
}

static uint64_t leaks(uint64_t second)
{
	return second * 500;
}

static uint64_t stays(uint64_t second)
{
	(void)second;
	return 4000;
}

static uint64_t leaks_in_traffic(uint64_t second)
{
	return second * 500 + second % 3 * 1000000;
}

static uint64_t comes_and_goes(uint64_t second)
{
	return second % 5 * 1000000;
}

static uint64_t fills_up(uint64_t second)
{
	return second < 50 ? second * 1000 : 50000;
}

static uint64_t comes_late(uint64_t second)
{
	return second < 70 ? 0 : 1000000;
}

static uint64_t is_enormous(uint64_t second)
{
	return second < 64 ? 0 : UINT64_MAX;
}

static void tells_the_rate_of_a_leak_in_every_later_period(void **state)
{
	(void)state;
	for (uint64_t seconds = 15; seconds < 300; seconds++) {
		uint64_t found = rate(leaks, seconds);
		/* A period of fewer snapshots says nothing: 16 to 22, 32 to 38, 64 to 70 … */
		uint64_t start = 1ull << (63 - __builtin_clzll(seconds));

		if (seconds - start + 1 >= SITE_FLOORS_SNAPSHOTS_MIN)
			assert_int_equal(found, 500 * 3600);
		assert_int_equal(is_told, seconds - start + 1 >= SITE_FLOORS_SNAPSHOTS_MIN);
	}
}

static void tells_a_leak_under_traffic_that_is_much_larger(void **state)
{
	(void)state;
	/* The valleys are a little off the beginnings of the periods. */
	assert_in_range(rate(leaks_in_traffic, 500), 495 * 3600, 505 * 3600);
}

static void says_nothing_of_what_does_not_grow(void **state)
{
	(void)state;
	assert_int_equal(rate(stays, 200), 0);
	assert_int_equal(highest_rate(comes_and_goes, 200), 0);
}

static void says_no_more_of_what_has_filled_up(void **state)
{
	(void)state;
	assert_true(rate(fills_up, 47) > 0);
	assert_int_equal(rate(fills_up, 200), 0);
}

/* In the period in which it comes it was not there before. */
static void a_site_that_comes_late_was_empty(void **state)
{
	(void)state;
	assert_int_equal(rate(comes_late, 127), 0);
	assert_int_equal(rate(comes_late, 140), 1000000ull * 3600 / 64);
	assert_int_equal(rate(comes_late, 300), 0);
}

static void survives_numbers_that_no_site_has(void **state)
{
	uint64_t found;

	(void)state;

	assert_true(rate(is_enormous, 100) > 1ull << 63);
	site_floors_forget();
	site_floors_begin(0);
	assert_false(site_floors_note(CALL_TREE_NODES_MAX - 1, 5, &found));
}

static void forgets_the_parent_in_a_forked_child(void **state)
{
	uint64_t found;

	(void)state;
	assert_true(rate(leaks, 100) > 0);
	site_floors_forget();
	for (uint64_t i = 101; i <= 110; i++) {
		site_floors_begin(i * SECOND);
		assert_false(site_floors_note(3, i * 500, &found));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_rate_of_a_leak_in_every_later_period),
		cmocka_unit_test(tells_a_leak_under_traffic_that_is_much_larger),
		cmocka_unit_test(says_nothing_of_what_does_not_grow),
		cmocka_unit_test(says_no_more_of_what_has_filled_up),
		cmocka_unit_test(a_site_that_comes_late_was_empty),
		cmocka_unit_test(survives_numbers_that_no_site_has),
		cmocka_unit_test(forgets_the_parent_in_a_forked_child),
	};

	return cmocka_run_group_tests_name("site_floors", tests, NULL, NULL);
}
