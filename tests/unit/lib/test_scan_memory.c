/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_memory: what a scan takes is counted, limited and given back; whichever mapping fails, it ends
 * with an outcome.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/region.h"
#include "lib/scan/scan_memory.h"
#include "tests/support/lib_scan_heap.h"

/* Counts down to the mapping that fails; 0: none does. */
static uint32_t fails_in;
static uint32_t mappings;

void *__real_region_map(size_t bytes, enum region_fork fork);
void *__wrap_region_map(size_t bytes, enum region_fork fork);
void *__wrap_region_map(size_t bytes, enum region_fork fork)
{
	mappings++;
	if (fails_in > 0 && --fails_in == 0)
		return NULL;
	return __real_region_map(bytes, fork);
}

static void what_is_mapped_is_counted(void **state)
{
	struct scan_memory memory = {.limit = 1 << 20};
	uint64_t *one = scan_memory_map(&memory, 5000), *other = scan_memory_map(&memory, 4096);

	(void)state;
	assert_int_equal(memory.bytes, 12288);
	for (int i = 0; i < 5000 / 8; i++)
		assert_int_equal(one[i], 0);
	scan_memory_unmap(&memory, one, 5000);
	assert_int_equal(memory.bytes, 4096);
	assert_int_equal(memory.most, 12288);
	scan_memory_unmap(&memory, other, 4096);
	scan_memory_unmap(&memory, NULL, 4096);
	assert_int_equal(memory.bytes, 0);
}

static void nothing_is_mapped_beyond_the_limit(void **state)
{
	struct scan_memory memory = {.limit = 100000};
	void *sparse, *page;

	(void)state;
	assert_null(scan_memory_map(&memory, 100001));
	assert_null(scan_memory_map(&memory, UINT64_MAX));
	assert_null(scan_memory_map(&memory, 0));
	sparse = scan_memory_map_sparse(&memory, 16 << 20);
	assert_non_null(sparse);
	assert_int_equal(memory.bytes, SCAN_MEMORY_SPARSE_BYTES);
	assert_null(scan_memory_map(&memory, 40000));
	page = scan_memory_map(&memory, 4096);
	assert_non_null(page);
	scan_memory_unmap(&memory, page, 4096);
	scan_memory_unmap_sparse(&memory, sparse, 16 << 20);
	assert_int_equal(memory.bytes, 0);
}

/* Blocks of every kind and class. */
static void make_heap(void)
{
	uint64_t *next = &lib_scan_root[0];

	lib_scan_heap_start(1ull << 30);
	for (uint32_t i = 0; i < 60000; i++) {
		uint64_t *block =
			lib_scan_block_of(i % 50 == 0 ? 3000 : 48, 10 + i % 100, LIB_SCAN_EPOCH);

		if (i % 7 == 3)
			continue;
		*next = (uint64_t)block + (i % 7 == 5 ? 8 : 0);
		next = i % 7 == 6 ? next + 1 : block;
		if (i % 7 == 6)
			lib_scan_root[1 + i / 7 % 60] = (uint64_t)block;
	}
	/* In other leaves of the table. */
	for (uint64_t leaf = 1; leaf < 5; leaf++) {
		lib_scan_skip_to(leaf * (64ull << 20));
		lib_scan_block(100000);
		lib_scan_block(40);
	}
	lib_scan_question.wants_holders = true;
}

static void whichever_mapping_fails_the_scan_ends_with_an_outcome(void **state)
{
	enum seep_scan_outcome outcome = SEEP_SCAN_NO_MEMORY;
	uint32_t needed, done = 0, no_holders = 0;
	struct seep_scan expected;

	(void)state;
	make_heap();
	mappings = 0;
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	needed = mappings;
	expected = lib_scan_head();
	assert_true(lib_scan_answer.holders.bytes > 0);
	assert_true(expected.definitely_blocks > 0 && expected.possibly_blocks > 0);
	for (uint32_t n = 1; n <= needed; n++) {
		fails_in = n;
		outcome = lib_scan();
		fails_in = 0;
		if (outcome == SEEP_SCAN_DONE) {
			struct seep_scan head = lib_scan_head();

			head.own_bytes = expected.own_bytes;
			assert_memory_equal(&head, &expected, sizeof(head));
			done++;
			no_holders += lib_scan_answer.holders.bytes == 0;
		} else {
			assert_int_equal(outcome, SEEP_SCAN_NO_MEMORY);
			assert_int_equal(lib_scan_answer.scan.bytes, 0);
			assert_int_equal(lib_scan_answer.holders.bytes, 0);
			assert_int_equal(lib_scan_memory.bytes, 0);
		}
	}
	print_message("          %u mappings: %u scans, of them %u without holders\n", needed, done,
		      no_holders);
	assert_true(done > 0 && done < needed && no_holders > 0);
	lib_scan_heap_end();
}

static void with_any_limit_the_scan_keeps_to_it(void **state)
{
	struct seep_scan expected;
	uint64_t needed;
	uint32_t done = 0, failed = 0;

	(void)state;
	make_heap();
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	needed = lib_scan_memory.most;
	expected = lib_scan_head();
	for (uint64_t limit = needed; limit > 0; limit = limit > 99991 ? limit - 99991 : 0) {
		enum seep_scan_outcome outcome;

		/* That of the last answer is still taken when the next begins. */
		scan_answer_release(&lib_scan_answer, &lib_scan_memory);
		lib_scan_memory.limit = limit;
		outcome = lib_scan();
		assert_true(lib_scan_memory.most <= limit);
		if (outcome != SEEP_SCAN_DONE) {
			failed++;
			continue;
		}
		done++;
		assert_int_equal(lib_scan_head().definitely_blocks, expected.definitely_blocks);
		assert_int_equal(lib_scan_head().reachable_blocks, expected.reachable_blocks);
	}
	assert_true(done > 0 && failed > 0);
	lib_scan_heap_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mapped_is_counted),
		cmocka_unit_test(nothing_is_mapped_beyond_the_limit),
		cmocka_unit_test(whichever_mapping_fails_the_scan_ends_with_an_outcome),
		cmocka_unit_test(with_any_limit_the_scan_keeps_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
