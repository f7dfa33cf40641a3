/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_counters: what threads count of each stack adds up, at the end exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record/site_counters.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define STACKS (8 + 5 * SITE_CACHE_SLOTS)
#define THREADS 4u
#define ADDS 2000000u

/* What was really counted, by thread and stack. Raised before the library is told, so that a
 * reader who looks here after summing knows an upper bound. */
static struct site_counters truth[THREADS + 1][STACKS];
static struct site_counters sums[STACKS], before[STACKS];

static uint64_t bytes_of(uint32_t stack, uint64_t choice)
{
	return stack + 1000 * (choice % 2);
}

static void count_one(uint32_t thread, uint32_t stack, uint64_t choice)
{
	struct site_counters *mine = &truth[thread][stack];
	uint64_t bytes = bytes_of(stack, choice);
	GUARD_SCOPE struct guard guard = guard_enter();

	__atomic_store_n(&mine->allocations, mine->allocations + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&mine->allocated_bytes, mine->allocated_bytes + bytes, __ATOMIC_RELEASE);
	/* Our reader must not see the library's plain stores first. */
	atomic_thread_fence(memory_order_seq_cst);
	site_counters_add(&guard, stack, bytes);
}

static void sum_now(void)
{
	memset(sums, 0, sizeof(sums));
	site_counters_sum(sums, STACKS);
}

static struct site_counters truth_of(uint32_t stack)
{
	struct site_counters sum = {0, 0};

	for (uint32_t i = 0; i <= THREADS; i++) {
		sum.allocations += __atomic_load_n(&truth[i][stack].allocations, __ATOMIC_ACQUIRE);
		sum.allocated_bytes +=
			__atomic_load_n(&truth[i][stack].allocated_bytes, __ATOMIC_ACQUIRE);
	}
	return sum;
}

/* How many stacks have not exactly what was counted. */
static uint32_t wrong_sums(void)
{
	uint32_t wrong = 0;

	sum_now();
	for (uint32_t stack = 1; stack < STACKS; stack++) {
		struct site_counters expected = truth_of(stack);

		wrong += sums[stack].allocations != expected.allocations ||
			 sums[stack].allocated_bytes != expected.allocated_bytes;
	}
	return wrong;
}

static void one_thread_adds_up(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (int i = 0; i < 300000; i++) {
		/* Some busy stacks, and many that push each other out of the cache. */
		uint32_t stack =
			1 + (uint32_t)lib_random_below(
				    &random, lib_random_once_in(&random, 2) ? 20 : STACKS - 1);

		count_one(THREADS, stack, lib_random_next(&random));
		if (i % 10000 == 0)
			assert_int_equal(wrong_sums(), 0);
	}
	assert_int_equal(wrong_sums(), 0);
}

/* Between two ids a cache's length apart, each addition pushes the other out. */
static uint32_t stack_in_turn(uint64_t choice)
{
	return 7 + SITE_CACHE_SLOTS * (uint32_t)(choice % 5);
}

static uint64_t seed;
static bool is_thrashing;

static void count_many(uint32_t number, void *unused)
{
	struct lib_random random = {seed + number};

	(void)unused;
	for (uint32_t i = 0; i < ADDS; i++) {
		uint64_t choice = lib_random_next(&random);

		count_one(number,
			  is_thrashing ? stack_in_turn(choice)
				       : 1 + (uint32_t)(choice >> 8) % (STACKS - 1),
			  choice);
	}
}

static void read_while_threads_count(uint32_t thread_count)
{
	struct lib_random random = lib_random_start();
	uint64_t reads = 0, too_many = 0, too_few = 0;
	struct lib_crowd crowd;

	seed = lib_random_next(&random);
	lib_crowd_start(&crowd, thread_count, count_many, NULL);
	while (lib_crowd_is_running(&crowd)) {
		for (uint32_t stack = 1; stack < STACKS; stack++)
			before[stack] = truth_of(stack);
		sum_now();
		reads++;
		for (uint32_t stack = 1; stack < STACKS; stack++) {
			struct site_counters now = truth_of(stack);

			too_many += sums[stack].allocations > now.allocations ||
				    sums[stack].allocated_bytes > now.allocated_bytes;
			/* Missing: what is on its way, and one addition that has just begun. */
			too_few += sums[stack].allocations + thread_count * (SITE_MISSED_MAX + 1) <
				   before[stack].allocations;
		}
	}
	lib_crowd_join(&crowd);
	print_message("          read %u times while %u threads counted: %u too large, %u too "
		      "small\n",
		      (unsigned)reads, thread_count, (unsigned)too_many, (unsigned)too_few);
	assert_int_equal(wrong_sums(), 0);
	assert_int_equal(too_many, 0);
	assert_int_equal(too_few, 0);
}

static void a_reader_never_sees_more_than_the_truth(void **state)
{
	(void)state;
	is_thrashing = false;
	read_while_threads_count(THREADS);
}

static void nor_when_every_addition_moves_an_entry(void **state)
{
	(void)state;
	is_thrashing = true;
	read_while_threads_count(1);
	read_while_threads_count(THREADS);
}

static void *count_shortly(void *number)
{
	for (uint32_t i = 0; i < 20; i++)
		count_one(THREADS, 1 + ((uint32_t)(uintptr_t)number * 7 + i) % (STACKS - 1), i);
	return NULL;
}

static void threads_that_are_gone_still_count(void **state)
{
	(void)state;
	for (uintptr_t i = 0; i < 2000; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, count_shortly, (void *)i), 0);
		pthread_join(thread, NULL);
	}
	assert_int_equal(wrong_sums(), 0);
}

/* The cache is busy in the code that the handler interrupted: it counts in the shared counters. */
static void a_nested_handler_counts_too(void **state)
{
	struct guard outer = guard_enter();

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		count_one(THREADS, 1 + i % 300, i);
		assert_int_equal(outer.thread->deltas[3].stack, outer.thread->deltas[3].stack);
	}
	guard_leave(&outer);
	assert_int_equal(wrong_sums(), 0);
}

static void sums_leave_out_newer_stacks(void **state)
{
	(void)state;
	memset(sums, 0, sizeof(sums));
	site_counters_sum(sums, 100);
	for (uint32_t stack = 100; stack < STACKS; stack++)
		assert_int_equal(sums[stack].allocations, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_adds_up),
		cmocka_unit_test(a_nested_handler_counts_too),
		cmocka_unit_test(sums_leave_out_newer_stacks),
		cmocka_unit_test(threads_that_are_gone_still_count),
		cmocka_unit_test(a_reader_never_sees_more_than_the_truth),
		cmocka_unit_test(nor_when_every_addition_moves_an_entry),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
