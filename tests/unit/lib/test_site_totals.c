/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_totals: which births form a cohort, and whether all blocks are in the sums.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/record/recorder.h"
#include "lib/record/site_counters.h"
#include "lib/snapshot/site_totals.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define COHORTS_MAX 160u

/* Nows to look from: all small ones, then ever fewer. */
static uint32_t next_now(uint32_t now)
{
	return now < 3000 ? now + 1 : now + now / 7 + 1;
}

static void cohorts_begin_at_or_before_the_birth_and_rise_with_it(void **state)
{
	(void)state;
	for (uint32_t now = 1; now < 1 << 18; now = next_now(now)) {
		uint32_t last = 0, step = now < 20000 ? 1 : 3;

		for (uint32_t birth = 1; birth <= now; birth += step) {
			uint32_t cohort = site_totals_cohort(birth, now);

			assert_true(cohort >= 1 && cohort <= birth);
			assert_true(cohort >= last);
			last = cohort;
		}
		assert_int_equal(last, now - (now - 1) % step);
	}
}

static void recent_epochs_stand_alone(void **state)
{
	(void)state;
	for (uint32_t now = 1; now < 5000; now++)
		for (uint32_t age = 0; age < 16 && age < now; age++)
			assert_int_equal(site_totals_cohort(now - age, now), now - age);
}

/* Also as long as any run lasts. */
static void there_are_never_more_cohorts_than_the_writer_has_room_for(void **state)
{
	uint32_t most = 0;

	(void)state;
	for (uint32_t now = 1; now < 1 << 18; now = next_now(now)) {
		uint32_t count = 0, last = 0;

		for (uint32_t birth = 1; birth <= now; birth++) {
			uint32_t cohort = site_totals_cohort(birth, now);

			count += cohort != last;
			last = cohort;
		}
		if (count > most)
			most = count;
	}
	print_message("          at most %u cohorts\n", most);
	assert_true(most <= COHORTS_MAX);
}

/* "A cohort reaches up to the epoch before the next one's first epoch": then whatever is in it is
 * in it later too, together with its neighbours, and never in one that begins later. */
static void a_cohort_is_merged_with_others_and_never_torn_apart(void **state)
{
	uint32_t torn = 0;

	(void)state;
	for (uint32_t now = 1; now < 3000; now++) {
		for (uint32_t birth = 1; birth < now; birth++) {
			bool is_one = site_totals_cohort(birth, now) ==
				      site_totals_cohort(birth + 1, now);
			bool is_one_later = site_totals_cohort(birth, now + 1) ==
					    site_totals_cohort(birth + 1, now + 1);

			if (is_one && !is_one_later && torn++ < 3)
				print_error("  in epoch %u births %u and %u part: %u and %u\n",
					    now + 1, birth, birth + 1,
					    site_totals_cohort(birth, now + 1),
					    site_totals_cohort(birth + 1, now + 1));
		}
	}
	assert_int_equal(torn, 0);
}

/* The first epoch that a cohort is called by is the first birth in it. */
static void a_cohort_is_called_by_its_first_epoch(void **state)
{
	uint32_t wrong = 0;

	(void)state;
	for (uint32_t now = 1; now < 3000; now++)
		for (uint32_t birth = 1; birth <= now; birth++) {
			uint32_t cohort = site_totals_cohort(birth, now);

			if (site_totals_cohort(cohort, now) != cohort && wrong++ < 3)
				print_error("  in epoch %u birth %u belongs to cohort %u, but %u "
					    "itself to %u\n",
					    now, birth, cohort, cohort,
					    site_totals_cohort(cohort, now));
		}
	assert_int_equal(wrong, 0);
}

static void inherited_blocks_stay_apart(void **state)
{
	(void)state;
	for (uint32_t inherited = 1; inherited < 300; inherited += 7) {
		recorder_inherited_epoch = inherited;
		for (uint32_t now = inherited + 1; now < 20000; now += now / 9 + 1) {
			for (uint32_t birth = 1; birth <= now; birth++) {
				uint32_t cohort = site_totals_cohort(birth, now);

				assert_int_equal(cohort <= inherited, birth <= inherited);
			}
		}
	}
	recorder_inherited_epoch = 0;
}

/* ---- sums ------------------------------------------------------------------------------------ */

#define STACKS 300u
#define BLOCKS 200000u
#define NOW 5000u
#define PLACE 0x7a0000000000ull

static struct sum {
	uint64_t blocks, bytes;
} expected[STACKS][NOW + 1]; /* by stack and cohort */

static void check_sums(const struct site_totals *totals)
{
	uint64_t cohorts = 0;

	for (uint32_t stack = 0; stack < STACKS; stack++) {
		for (uint32_t index = totals->first_cohort[stack]; index != 0;) {
			const struct site_cohort *cohort = &totals->cohorts[index - 1];

			cohorts++;
			assert_int_equal(cohort->stack, stack);
			assert_int_equal(cohort->blocks, expected[stack][cohort->epoch].blocks);
			assert_int_equal(cohort->bytes, expected[stack][cohort->epoch].bytes);
			index = cohort->next;
		}
	}
	assert_int_equal(cohorts, totals->cohort_count);
	for (uint32_t stack = 0; stack < STACKS; stack++)
		for (uint32_t epoch = 0; epoch <= NOW; epoch++)
			cohorts -= expected[stack][epoch].blocks > 0;
	assert_int_equal(cohorts, 0);
}

static void every_block_is_in_the_sum_of_its_site_and_cohort(void **state)
{
	struct lib_random random = lib_random_start();
	uint64_t blocks = 0, bytes = 0, inherited_blocks = 0, inherited_bytes = 0, mapped = 0;
	GUARD_SCOPE struct guard guard = guard_enter();
	struct site_totals totals;
	struct live_block old;

	(void)state;
	recorder_inherited_epoch = 700;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct live_block block = {
			.bytes = lib_random_once_in(&random, 9) ? lib_random_below(&random, 100000)
								: lib_random_below(&random, 1000),
			.stack = 1 + (uint32_t)lib_random_below(&random, STACKS),
			.epoch = 1 + (uint32_t)lib_random_below(&random, NOW),
			.kind = BLOCK_MALLOC,
		};

		live_table_add(&guard, PLACE + i * 32ull, &block, &old);
		site_counters_add(&guard, block.stack, block.bytes);
		if (block.stack >= STACKS)
			continue; /* not looked at */
		struct sum *sum = &expected[block.stack][site_totals_cohort(block.epoch, NOW)];
		sum->blocks++;
		sum->bytes += block.bytes;
		blocks++;
		bytes += block.bytes;
		inherited_blocks += block.epoch <= 700;
		inherited_bytes += block.epoch <= 700 ? block.bytes : 0;
	}
	for (uint32_t i = 0; i < 100; i++) {
		struct live_block mapping = {
			.bytes = 4096 * (1 + i % 5), .stack = 1 + i % 7, .epoch = 4000 + i};

		assert_true(map_table_add(&guard, PLACE * 2 + i * 100000ull * 4096, &mapping));
		struct sum *sum = &expected[mapping.stack][site_totals_cohort(mapping.epoch, NOW)];
		sum->blocks++;
		sum->bytes += mapping.bytes;
		mapped += mapping.bytes;
	}
	site_totals_take(&totals, NOW, STACKS, true, true);
	assert_false(totals.is_failed);
	assert_int_equal(totals.live_blocks, blocks);
	assert_int_equal(totals.live_bytes, bytes);
	assert_int_equal(totals.inherited_blocks, inherited_blocks);
	assert_int_equal(totals.inherited_bytes, inherited_bytes);
	assert_int_equal(totals.mapped_bytes, mapped);
	check_sums(&totals);
	assert_false(totals.fill.is_failed);
	assert_non_null(page_fill_chunk(&totals.fill, PLACE));
	site_totals_release(&totals);
	site_totals_take(&totals, NOW, STACKS, true, false);
	assert_int_equal(totals.live_blocks, blocks);
	assert_true(totals.fill.is_failed);
	site_totals_release(&totals);
	for (uint32_t i = 0; i < BLOCKS; i++)
		assert_true(live_table_remove(&guard, PLACE + i * 32ull, &old));
	site_totals_take(&totals, NOW + 1, STACKS, true, true);
	assert_int_equal(totals.live_blocks, 0);
	assert_true(totals.allocated[5].allocations > 0);
	site_totals_release(&totals);
	recorder_inherited_epoch = 0;
}

/* A program that takes moments begins epochs while a snapshot is taken. */
static void what_is_born_during_a_snapshot_is_one_cohort(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct site_totals totals;
	struct live_block old;
	uint32_t cohorts = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct live_block block = {
			.bytes = 40, .stack = 200, .epoch = NOW + i, .kind = BLOCK_MALLOC};

		live_table_add(&guard, PLACE + i * 32ull, &block, &old);
	}
	site_totals_take(&totals, NOW, STACKS, false, false);
	for (uint32_t index = totals.first_cohort[200]; index != 0; cohorts++) {
		const struct site_cohort *cohort = &totals.cohorts[index - 1];

		assert_true(cohort->epoch == NOW || cohort->epoch == NOW + 1);
		assert_int_equal(cohort->blocks, cohort->epoch == NOW ? 1 : 19);
		index = cohort->next;
	}
	assert_int_equal(cohorts, 2);
	site_totals_release(&totals);
	for (uint32_t i = 0; i < 20; i++)
		assert_true(live_table_remove(&guard, PLACE + i * 32ull, &old));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cohorts_begin_at_or_before_the_birth_and_rise_with_it),
		cmocka_unit_test(recent_epochs_stand_alone),
		cmocka_unit_test(there_are_never_more_cohorts_than_the_writer_has_room_for),
		cmocka_unit_test(a_cohort_is_merged_with_others_and_never_torn_apart),
		cmocka_unit_test(a_cohort_is_called_by_its_first_epoch),
		cmocka_unit_test(inherited_blocks_stay_apart),
		cmocka_unit_test(every_block_is_in_the_sum_of_its_site_and_cohort),
		cmocka_unit_test(what_is_born_during_a_snapshot_is_one_cohort),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
