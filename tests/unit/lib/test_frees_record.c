/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_frees_record: what the file says about who frees, as the tool reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/record/call_tree.h"
#include "lib/record/free_pairs.h"
#include "lib/record/free_turn.h"
#include "lib/record/sampler.h"
#include "lib/snapshot/frees_record.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"
#include "tools/model/payload_decoder.h"

#define SITES 100u
#define FREERS 30u
#define NAMED 4u

static uint32_t sites[SITES], freers[FREERS];
static uint64_t truth[SITES][FREERS], added;
static uint32_t end; /* of the stacks that the file has */
static struct seep_frees head;
static uint64_t named[SITES][FREERS], named_samples;

static uint32_t index_in(const uint32_t *stacks, uint32_t count, uint32_t stack)
{
	for (uint32_t i = 0; i < count; i++)
		if (stacks[i] == stack)
			return i;
	fail_msg("stack %u is in the record", stack);
	return 0;
}

static void add(uint32_t site, uint32_t freer, uint64_t samples)
{
	truth[site][freer] += samples;
	added += samples;
	while (samples-- > 0)
		free_pairs_add(sites[site], freers[freer]);
}

/* Reads the payload into `head` and `named`; false when there was nothing to say. */
static bool read_payload(struct buffer *payload)
{
	struct payload left = {payload->start, payload->start + payload->bytes};
	struct decoded_free_pair pair = {0};

	if (payload->bytes == 0)
		return false;
	named_samples = 0;
	for (uint32_t i = 0; i < SITES * FREERS; i++)
		named[i / FREERS][i % FREERS] = 0;
	assert_true(payload_frees(&left, &head));
	for (uint32_t i = 0; i < head.pair_count; i++) {
		assert_true(payload_free_pair(&left, &pair));
		named[index_in(sites, SITES, pair.stack)]
		     [index_in(freers, FREERS, pair.free_stack)] = pair.samples;
		named_samples += pair.samples;
	}
	assert_ptr_equal(left.at, left.end);
	buffer_release(payload);
	return true;
}

static bool make(uint32_t number, enum seep_snapshot_reason reason, bool is_written)
{
	struct buffer payload = frees_record_payload(number, reason, end);

	if (is_written)
		frees_record_note_written();
	return read_payload(&payload);
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	for (uint32_t i = 0; i < SITES; i++)
		sites[i] = lib_stack_id((const uint64_t[]){0x10000 + i, 0x30000}, 2);
	for (uint32_t i = 0; i < FREERS; i++)
		freers[i] = lib_stack_id((const uint64_t[]){0x20000 + i, 0x30000}, 2);
	end = call_tree_count();
	options.max_file_bytes = 64 << 20;
	return 0;
}

/* Each test in a child, which begins without pairs. */
static void in_child(void (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		free_pairs_postfork_child();
		frees_record_postfork_child();
		run();
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

static void say_nothing(void)
{
	expect(!make(1, SEEP_REASON_INTERVAL, true) && !make(2, SEEP_REASON_FINAL, true));
}

static void nothing_is_said_before_the_first_sample(void **state)
{
	(void)state;
	in_child(say_nothing);
}

static void name_few(void)
{
	add(7, 3, 10);
	add(7, 1, 90);
	add(2, 5, 1);
	free_pairs_add(sites[0], CALL_TREE_NO_ROOM);
	expect(make(17, SEEP_REASON_INTERVAL, true));
	expect(head.struct_bytes == sizeof(head) && head.snapshot == 17 && head.pair_count == 3);
	expect(head.one_in == FREE_TURN_ONE_IN && head.samples == 102 && head.lost == 1);
	expect(named[7][3] == 10 && named[7][1] == 90 && named[2][5] == 1);
	sampler_is_on = true;
	expect(make(18, SEEP_REASON_FINAL, true) == false);
	add(2, 5, 1);
	expect(make(18, SEEP_REASON_FINAL, true));
	expect(head.one_in == 1);
}

static void says_who_frees_how_often(void **state)
{
	(void)state;
	in_child(name_few);
}

/* Whether a pair that is named has more samples than one of the same site that is not. */
static bool is_of_the_most(uint32_t site, uint32_t freer)
{
	uint32_t more = 0;

	for (uint32_t i = 0; i < FREERS; i++)
		more += truth[site][i] > truth[site][freer];
	return more < NAMED;
}

static void name_many(void)
{
	struct lib_random random = lib_random_start();

	for (uint32_t site = 0; site < SITES; site++)
		for (uint32_t freer = 0; freer < lib_random_below(&random, FREERS); freer++)
			add(site, freer, 1 + lib_random_below(&random, 50));
	expect(make(1, SEEP_REASON_FINAL, true));
	expect(head.samples == added && head.lost == 0);
	for (uint32_t site = 0; site < SITES; site++) {
		uint32_t of_site = 0, there = 0;

		for (uint32_t freer = 0; freer < FREERS; freer++) {
			of_site += named[site][freer] > 0;
			there += truth[site][freer] > 0;
			expect(named[site][freer] == 0 ||
			       (named[site][freer] == truth[site][freer] &&
				is_of_the_most(site, freer)));
		}
		expect(of_site == (there < NAMED ? there : NAMED));
	}
}

static void of_each_site_the_most_frequent_are_named(void **state)
{
	(void)state;
	in_child(name_many);
}

static void name_what_fits(void)
{
	struct lib_random random = lib_random_start();
	uint64_t least_named = UINT64_MAX;

	for (uint32_t site = 0; site < SITES; site++)
		for (uint32_t freer = 0; freer < NAMED; freer++)
			add(site, freer, 1 + lib_random_below(&random, 600));
	options.max_file_bytes = 64 * 400;
	{
		struct buffer payload = frees_record_payload(1, SEEP_REASON_FINAL, end);

		expect(payload.bytes <= 400);
		expect(read_payload(&payload));
	}
	expect(head.pair_count > 20 && head.samples == added && named_samples < added);
	for (uint32_t i = 0; i < SITES * NAMED; i++)
		if (named[i / NAMED][i % NAMED] > 0 && named[i / NAMED][i % NAMED] < least_named)
			least_named = named[i / NAMED][i % NAMED];
	for (uint32_t i = 0; i < SITES * NAMED; i++)
		expect(named[i / NAMED][i % NAMED] > 0 ||
		       truth[i / NAMED][i % NAMED] < least_named);
	options.max_file_bytes = 64;
	expect(make(1, SEEP_REASON_FINAL, true) && head.pair_count == 0);
}

static void it_takes_its_share_of_the_file_and_no_more(void **state)
{
	(void)state;
	in_child(name_what_fits);
}

static void say_again(void)
{
	add(1, 1, 100);
	expect(make(1, SEEP_REASON_INTERVAL, false)); /* the disk was full */
	expect(make(2, SEEP_REASON_INTERVAL, true));
	expect(!make(3, SEEP_REASON_INTERVAL, true) && !make(4, SEEP_REASON_REQUEST, true));
	add(1, 1, 11);
	expect(!make(5, SEEP_REASON_INTERVAL, true) && !make(6, SEEP_REASON_GROWTH, true));
	expect(make(7, SEEP_REASON_REQUEST, false) && make(8, SEEP_REASON_MARK, true));
	add(1, 1, 1);
	expect(!make(9, SEEP_REASON_INTERVAL, true));
	add(1, 1, 13);
	expect(make(10, SEEP_REASON_INTERVAL, true));
	expect(named[1][1] == 125);
}

static void is_said_again_when_there_is_news(void **state)
{
	(void)state;
	in_child(say_again);
}

static void wait_for_stack(void)
{
	uint32_t all = end;

	add(1, 1, 5);
	add(1, FREERS - 1, 6);
	end = freers[FREERS - 1];
	expect(make(1, SEEP_REASON_INTERVAL, true));
	expect(head.pair_count == 1 && named[1][1] == 5 && head.samples == 11);
	end = all;
	expect(make(2, SEEP_REASON_INTERVAL, true));
	expect(head.pair_count == 2 && named[1][FREERS - 1] == 6);
	expect(!make(3, SEEP_REASON_FINAL, true));
}

static void a_stack_that_the_file_does_not_have_yet_waits(void **state)
{
	(void)state;
	in_child(wait_for_stack);
}

static void say_in_child(void)
{
	expect(!make(1, SEEP_REASON_FORK, true));
	add(4, 4, 2);
	expect(make(2, SEEP_REASON_INTERVAL, true) && head.samples == 2 && head.pair_count == 1);
}

static void a_child_speaks_of_its_own(void **state)
{
	(void)state;
	add(4, 4, 100);
	assert_true(make(1, SEEP_REASON_INTERVAL, true));
	in_child(say_in_child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_before_the_first_sample),
		cmocka_unit_test(says_who_frees_how_often),
		cmocka_unit_test(of_each_site_the_most_frequent_are_named),
		cmocka_unit_test(it_takes_its_share_of_the_file_and_no_more),
		cmocka_unit_test(is_said_again_when_there_is_news),
		cmocka_unit_test(a_stack_that_the_file_does_not_have_yet_waits),
		cmocka_unit_test(a_child_speaks_of_its_own),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
