/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_page_fill: what live blocks fill of each page, compared with sums over all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/region.h"
#include "lib/base/scratch.h"
#include "lib/snapshot/page_fill.h"
#include "tests/support/lib_random.h"

#define PLACE 0x7a0000000000ull
#define MIB (1ull << 20)

static struct page_fill fill;

static int start(void **state)
{
	(void)state;
	page_fill_start(&fill, true, false);
	return 0;
}

static int release(void **state)
{
	(void)state;
	page_fill_release(&fill);
	return 0;
}

static struct page_filled page_at(uint64_t addr)
{
	const struct page_filled *pages = page_fill_chunk(&fill, addr);

	return pages == NULL ? (struct page_filled){0} : pages[page_fill_index(addr)];
}

static void check_page(uint64_t addr, uint32_t bytes, uint32_t blocks)
{
	struct page_filled page;

	page_fill_finish(&fill);
	page = page_at(addr);
	assert_int_equal(page.bytes, bytes);
	assert_int_equal(page.blocks, blocks);
}

static void a_block_fills_what_it_is_rounded_up_to(void **state)
{
	(void)state;
	page_fill_add(&fill, PLACE, 1);
	check_page(PLACE, 8, 1);
	page_fill_add(&fill, PLACE + 100, 100);
	check_page(PLACE, 8 + 104, 2);
	check_page(PLACE + 4096, 0, 0);
	page_fill_release(&fill);
	/* glibc's: a header of 8 bytes, multiples of 16, at least 32. */
	page_fill_start(&fill, false, false);
	page_fill_add(&fill, PLACE, 0);
	check_page(PLACE, 32, 1);
	page_fill_add(&fill, PLACE + 32, 24);
	check_page(PLACE, 64, 2);
	page_fill_add(&fill, PLACE + 64, 25);
	check_page(PLACE, 64 + 48, 3);
}

/* 128 blocks of 8 bytes are all that glibc gets into a page: nothing of it is free. */
static void a_page_full_of_the_smallest_blocks_is_full(void **state)
{
	(void)state;
	page_fill_release(&fill);
	page_fill_start(&fill, false, false);
	for (uint64_t i = 0; i < 128; i++)
		page_fill_add(&fill, PLACE + i * 32, 8);
	check_page(PLACE, 4096, 128);
	assert_false(page_is_sparse(page_at(PLACE)));
}

static void a_block_that_spans_pages_fills_each_with_its_part(void **state)
{
	(void)state;
	page_fill_add(&fill, PLACE + 4000, 200);
	check_page(PLACE, 96, 1);
	check_page(PLACE + 4096, 104, 1);
	/* Across MiBs and units, too. */
	page_fill_add(&fill, PLACE + 64 * MIB - 16, 4096 + 40);
	check_page(PLACE + 64 * MIB - 4096, 16, 1);
	check_page(PLACE + 64 * MIB, 4096, 1);
	check_page(PLACE + 64 * MIB + 4096, 24, 1);
	check_page(PLACE + 64 * MIB + 2 * 4096, 0, 0);
}

static void a_page_is_never_filled_to_more_than_a_page(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		page_fill_add(&fill, PLACE + i, 1000);
	check_page(PLACE, 4096, 1000);
}

static void a_huge_block_needs_memory_for_its_ends_only(void **state)
{
	(void)state;
	page_fill_add(&fill, PLACE + 16, 300 * MIB);
	page_fill_finish(&fill);
	assert_int_equal(fill.chunk_count, 2);
	check_page(PLACE, 4080, 1);
	for (uint64_t addr = PLACE + 4096; addr < PLACE + 300 * MIB; addr += 4096)
		assert_int_equal(page_at(addr).bytes, 4096);
	check_page(PLACE + 300 * MIB, 16, 1);
	check_page(PLACE + 300 * MIB + 4096, 0, 0);
	/* What seems to lie in it changes nothing. */
	page_fill_add(&fill, PLACE + 100 * MIB, 40);
	check_page(PLACE + 100 * MIB, 4096, 1);
	check_page(PLACE + 200 * MIB, 4096, 1);
}

static bool is_pooled(uint64_t addr)
{
	bool page;

	page_fill_finish(&fill);
	page = page_at(addr).is_pooled;
	/* A unit knows whether it is worth looking. */
	assert_true(!page || page_fill_unit(&fill, addr)->is_pooled);
	return page;
}

static void a_large_block_at_the_beginning_of_a_page_may_have_its_own_mapping(void **state)
{
	(void)state;
	page_fill_add(&fill, PLACE + 16, 200000);
	assert_false(is_pooled(PLACE));
	assert_false(is_pooled(PLACE + 16 * 4096));
	assert_false(page_fill_unit(&fill, PLACE)->is_pooled);
	/* These do not: not there, or not large. */
	page_fill_add(&fill, PLACE + MIB + 2064, 200000);
	assert_true(is_pooled(PLACE + MIB));
	assert_true(is_pooled(PLACE + MIB + 16 * 4096));
	page_fill_add(&fill, PLACE + 2 * MIB + 16, 2000);
	assert_true(is_pooled(PLACE + 2 * MIB));
	/* A small one behind a large one, in a MiB that is known already. */
	page_fill_add(&fill, PLACE + 100 * MIB + 16, 200000);
	page_fill_add(&fill, PLACE + 100 * MIB + 500000, 20);
	assert_true(is_pooled(PLACE + 100 * MIB + 500000));
	assert_false(is_pooled(PLACE + 100 * MIB));
}

static void where_blocks_are_samples_no_mapping_is_a_blocks_own(void **state)
{
	(void)state;
	page_fill_release(&fill);
	page_fill_start(&fill, true, true);
	page_fill_add(&fill, PLACE + 16, 200000);
	assert_true(is_pooled(PLACE));
}

/* ---- many blocks ----------------------------------------------------------------------------- */

#define PAGES (3u * 16384u) /* of three units */
#define BLOCKS 200000u

static uint64_t bytes_of[PAGES + 1024], blocks_of[PAGES + 1024];

static void check_sparse_chunks(void)
{
	uint32_t sparse = 0, not_sparse = 0;

	for (uint64_t chunk = 0; chunk < PAGES / PAGE_FILL_CHUNK_PAGES; chunk++) {
		const struct page_unit *unit = page_fill_unit(&fill, PLACE + chunk * MIB);
		bool is_sparse = false;

		for (uint64_t i = 0; i < PAGE_FILL_CHUNK_PAGES; i++) {
			uint64_t page = chunk * PAGE_FILL_CHUNK_PAGES + i;

			is_sparse |= blocks_of[page] > 0 && bytes_of[page] < 2048;
		}
		assert_int_equal(unit->sparse_chunks >> chunk % PAGE_FILL_UNIT_CHUNKS & 1,
				 is_sparse);
		sparse += is_sparse;
		not_sparse += !is_sparse;
	}
	assert_true(fill.has_sparse_pages);
	assert_true(sparse > 10 && not_sparse > 10);
}

static void every_page_has_the_sum_of_its_blocks(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint64_t bytes = lib_random_once_in(&random, 20) ? lib_random_below(&random, 9000)
								 : lib_random_below(&random, 600);
		uint64_t offset = lib_random_below(&random, PAGES * 4096ull) & ~7ull;
		uint64_t rounded = bytes == 0 ? 8 : (bytes + 7) & ~7ull;

		/* The unit in the middle stays nearly empty. */
		if (offset / (64 * MIB) == 1 && !lib_random_once_in(&random, 5000))
			offset += 64 * MIB;
		page_fill_add(&fill, PLACE + offset, bytes);
		bytes += bytes == 0;
		for (uint64_t page = offset / 4096; page <= (offset + bytes - 1) / 4096; page++) {
			uint64_t from = page * 4096 > offset ? page * 4096 : offset;
			uint64_t to = (page + 1) * 4096 < offset + bytes ? (page + 1) * 4096
									 : offset + rounded;

			bytes_of[page] += to - from;
			blocks_of[page]++;
		}
	}
	page_fill_finish(&fill);
	assert_false(fill.is_failed);
	for (uint64_t page = 0; page < PAGES + 1024; page++) {
		struct page_filled found = page_at(PLACE + page * 4096);

		assert_int_equal(found.bytes, bytes_of[page] > 4096 ? 4096 : bytes_of[page]);
		assert_int_equal(found.blocks, blocks_of[page]);
	}
	check_sparse_chunks();
}

static void many_units_are_found_again(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		page_fill_add(&fill, PLACE + (i * 7919 % 5000) * 64 * MIB + i % 64 * MIB, 64);
	assert_int_equal(fill.unit_count, 5000);
	for (uint64_t i = 0; i < 5000; i++)
		check_page(PLACE + (i * 7919 % 5000) * 64 * MIB + i % 64 * MIB, 64, 1);
}

static void too_much_is_not_known(void **state)
{
	(void)state;
	page_fill_add(&fill, 0x100000, 1ull << 45);
	page_fill_finish(&fill);
	assert_true(fill.is_failed);
	page_fill_release(&fill);
	page_fill_start(&fill, true, false);
	for (uint64_t i = 0; i < 20000; i++)
		page_fill_add(&fill, 0x10000000ull + i * 64 * MIB, 64);
	assert_true(fill.is_failed);
}

static void gives_all_memory_back(void **state)
{
	size_t before;

	(void)state;
	page_fill_release(&fill);
	scratch_forget();
	before = region_mapped_bytes();
	page_fill_start(&fill, true, false);
	for (uint64_t i = 0; i < 3000; i++)
		page_fill_add(&fill, PLACE + i * MIB, 64);
	assert_true(region_mapped_bytes() > before + 3 * MIB);
	page_fill_release(&fill);
	scratch_forget();
	assert_int_equal(region_mapped_bytes(), before);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, start, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_block_fills_what_it_is_rounded_up_to),
		CLAIM(a_page_full_of_the_smallest_blocks_is_full),
		CLAIM(a_block_that_spans_pages_fills_each_with_its_part),
		CLAIM(a_page_is_never_filled_to_more_than_a_page),
		CLAIM(a_huge_block_needs_memory_for_its_ends_only),
		CLAIM(a_large_block_at_the_beginning_of_a_page_may_have_its_own_mapping),
		CLAIM(where_blocks_are_samples_no_mapping_is_a_blocks_own),
		CLAIM(every_page_has_the_sum_of_its_blocks),
		CLAIM(many_units_are_found_again),
		CLAIM(too_much_is_not_known),
		CLAIM(gives_all_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
