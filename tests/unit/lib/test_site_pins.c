/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_pins: who keeps the free rest of a page from being used, compared with a look at all blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/record/live_table.h"
#include "lib/snapshot/page_fill.h"
#include "lib/snapshot/pins_record.h"
#include "lib/snapshot/site_pins.h"
#include "lib/snapshot/site_totals.h"
#include "seep/snapshot_format.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"

#define PLACE 0x7b0000000000ull
#define STACKS 50u
#define BLOCKS_MAX 60000u

static struct block {
	uint64_t addr, bytes;
} blocks[BLOCKS_MAX];
static uint32_t block_count;

static struct site_totals totals;
static struct site_pins pins;

static void add(uint64_t addr, uint64_t bytes, uint32_t stack)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {
		.bytes = bytes, .stack = stack, .epoch = 1, .kind = BLOCK_MALLOC};
	struct live_block old;

	assert_int_equal(live_table_add(&guard, addr, &block, &old), LIVE_TABLE_ADDED);
	blocks[block_count++] = (struct block){addr, bytes};
}

static void take(void)
{
	site_totals_take(&totals, 1, STACKS, true, true);
	assert_false(totals.is_failed);
	site_pins_take(&pins, &totals.fill, STACKS);
	assert_false(pins.is_failed);
}

static void check_pinned(uint32_t stack, uint64_t bytes)
{
	uint64_t found = pins.parts[stack] + (1u << SITE_PINS_PART_BITS) / 2;

	assert_int_equal(found >> SITE_PINS_PART_BITS, bytes);
}

static int clear(void **state)
{
	(void)state;
	guard_enter().thread->inside = 0;
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block;

	while (block_count > 0)
		assert_true(live_table_remove(&guard, blocks[--block_count].addr, &block));
	site_pins_release(&pins);
	site_totals_release(&totals);
	return 0;
}

static void the_rest_of_a_page_is_shared_by_its_blocks(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		add(PLACE + i * 4096, 96, 1);
	add(PLACE + 101 * 4096, 1000, 2);
	add(PLACE + 101 * 4096 + 2000, 96, 3);
	take();
	check_pinned(1, 100 * 4000);
	check_pinned(2, 1500);
	check_pinned(3, 1500);
}

static void a_page_that_is_half_full_is_not_pinned(void **state)
{
	(void)state;
	add(PLACE, 1000, 1);
	add(PLACE + 1024, 1000, 1);
	add(PLACE + 2048, 48, 2);
	add(PLACE + 4096, 1000, 1);
	add(PLACE + 4096 + 1024, 1000, 1);
	add(PLACE + 4096 + 2048, 40, 2);
	take();
	/* Of the second page 2,056 bytes are free. */
	check_pinned(1, 1371);
	check_pinned(2, 685);
}

static void a_block_pins_on_both_of_its_pages(void **state)
{
	(void)state;
	/* From a page that is full, in another part of the live table: its last 16 bytes. */
	for (uint64_t i = 0; i < 4; i++)
		add(PLACE + (1 << 26) - 4096 + i * 1000, 1000, 1);
	add(PLACE + (1 << 26) - 96, 112, 2);
	/* One of the side table. */
	add(PLACE + (2 << 26) + 3000, 5192, 3);
	take();
	check_pinned(1, 0);
	check_pinned(2, 4080);
	check_pinned(3, 3000);
}

static void what_is_too_young_for_the_snapshot_has_its_part_all_the_same(void **state)
{
	(void)state;
	add(PLACE, 96, 1);
	add(PLACE + 96, 96, STACKS);
	take();
	check_pinned(1, (4096 - 192) / 2);
}

/* However long it took, the time for another look comes. */
static void a_second_look_is_due_again(void **state)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	(void)state;
	add(PLACE, 96, 1);
	take();
	for (int i = 0; i < 20000 && !site_pins_are_due(); i++)
		nanosleep(&pause, NULL);
	assert_true(site_pins_are_due());
}

/* ---- the record ------------------------------------------------------------------------------ */

static uint64_t take_varint(const uint8_t **next)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		value |= (uint64_t)(**next & 127) << shift;
		if ((*(*next)++ & 128) == 0)
			return value;
	}
}

static void the_record_names_those_that_pin_a_page_and_sums_up_all(void **state)
{
	struct buffer payload;
	struct seep_pins head;
	const uint8_t *next;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		add(PLACE + i * 4096, 96, 40);
	add(PLACE + 1000 * 4096, 96, 7);
	add(PLACE + 1001 * 4096, 96, 7);
	add(PLACE + 1002 * 4096, 96, 5);
	site_totals_take(&totals, 1, STACKS, true, true);
	payload = pins_record_payload(&totals, 17, SEEP_REASON_FINAL);
	assert_false(payload.is_failed);
	memcpy(&head, payload.start, sizeof(head));
	assert_int_equal(head.struct_bytes, sizeof(head));
	assert_int_equal(head.snapshot, 17);
	assert_int_equal(head.site_count, 2);
	assert_int_equal(head.pinned_bytes, 1003 * 4000);
	next = payload.start + sizeof(head);
	assert_int_equal(take_varint(&next), 7);
	assert_int_equal(take_varint(&next), 2 * 4000);
	assert_int_equal(take_varint(&next), 33);
	assert_int_equal(take_varint(&next), 1000 * 4000);
	assert_ptr_equal(next, payload.start + payload.bytes);
	buffer_release(&payload);
}

static void where_pages_are_not_known_there_is_no_record(void **state)
{
	struct buffer payload;

	(void)state;
	add(PLACE, 96, 1);
	site_totals_take(&totals, 1, STACKS, true, true);
	totals.fill.is_failed = true;
	site_pins_take(&pins, &totals.fill, STACKS);
	assert_true(pins.is_failed);
	payload = pins_record_payload(&totals, 1, SEEP_REASON_FINAL);
	assert_int_equal(payload.bytes, 0);
	buffer_release(&payload);
	totals.fill.is_failed = false;
	totals.fill.is_sampled = true;
	site_pins_take(&pins, &totals.fill, STACKS);
	assert_true(pins.is_failed);
}

/* ---- many blocks ----------------------------------------------------------------------------- */

#define PAGES 16000u

static uint64_t filled[PAGES], residents[PAGES];

static uint64_t pinned_on(uint64_t page)
{
	return residents[page] > 0 && filled[page] < 2048 ? 4096 - filled[page] : 0;
}

/* Pages of every kind: full, empty, of many and of few, in leaves and in the side table. */
static void fill_pages(struct lib_random *random, uint32_t *stacks_of)
{
	uint64_t offset = 0;

	while (offset < (PAGES - 10) * 4096ull && block_count < BLOCKS_MAX - 1) {
		uint64_t bytes =
			1 + lib_random_below(random, lib_random_once_in(random, 5) ? 9000 : 500);

		stacks_of[block_count] = 1 + (uint32_t)lib_random_below(random, STACKS - 1);
		add(PLACE + offset, bytes, stacks_of[block_count]);
		offset += (bytes + 31) & ~31ull;
		if (lib_random_once_in(random, 3))
			offset += 32 * lib_random_below(random, 300);
	}
}

static void every_site_has_its_parts_of_all_sparse_pages(void **state)
{
	static uint32_t stacks_of[BLOCKS_MAX];
	static double expected[STACKS];
	struct lib_random random = lib_random_start();
	double all = 0, all_found = 0;

	(void)state;
	fill_pages(&random, stacks_of);
	for (uint32_t i = 0; i < block_count; i++) {
		uint64_t offset = blocks[i].addr - PLACE, end = offset + blocks[i].bytes;
		uint64_t rounded = offset + ((blocks[i].bytes + 7) & ~7ull);

		for (uint64_t page = offset / 4096; page <= (end - 1) / 4096; page++) {
			uint64_t from = page * 4096 > offset ? page * 4096 : offset;

			filled[page] +=
				((page + 1) * 4096 < end ? (page + 1) * 4096 : rounded) - from;
			residents[page]++;
		}
	}
	for (uint32_t i = 0; i < block_count; i++) {
		uint64_t first = (blocks[i].addr - PLACE) / 4096;
		uint64_t last = (blocks[i].addr + blocks[i].bytes - 1 - PLACE) / 4096;

		for (uint64_t page = first; page <= last; page++)
			expected[stacks_of[i]] += (double)pinned_on(page) / (double)residents[page];
	}
	take();
	for (uint32_t stack = 1; stack < STACKS; stack++) {
		double found = (double)pins.parts[stack] / (1 << SITE_PINS_PART_BITS);

		assert_true(found > expected[stack] - 2 && found < expected[stack] + 2);
		all_found += found;
	}
	for (uint64_t page = 0; page < PAGES; page++)
		all += (double)pinned_on(page);
	assert_true(all > 1e6);
	assert_true(all_found > all - STACKS * 2 && all_found < all + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_rest_of_a_page_is_shared_by_its_blocks, clear),
		cmocka_unit_test_teardown(a_page_that_is_half_full_is_not_pinned, clear),
		cmocka_unit_test_teardown(a_block_pins_on_both_of_its_pages, clear),
		cmocka_unit_test_teardown(
			what_is_too_young_for_the_snapshot_has_its_part_all_the_same, clear),
		cmocka_unit_test_teardown(a_second_look_is_due_again, clear),
		cmocka_unit_test_teardown(the_record_names_those_that_pin_a_page_and_sums_up_all,
					  clear),
		cmocka_unit_test_teardown(where_pages_are_not_known_there_is_no_record, clear),
		cmocka_unit_test_teardown(every_site_has_its_parts_of_all_sparse_pages, clear),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
