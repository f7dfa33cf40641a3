/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_span_list: ranges are sorted and joined; compared with a naive list of what they cover.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/scan/span_list.h"
#include "tests/support/lib_random.h"

#define ADDRESSES 2000u

static struct scan_memory memory = {.limit = 64 << 20};

static void nothing_is_added_for_nothing(void **state)
{
	struct span_list list = {0};
	struct memory_spans spans;

	(void)state;
	span_list_add(&list, &memory, 100, 100);
	span_list_add(&list, &memory, 200, 100);
	spans = span_list_join(&list);
	assert_int_equal(spans.count, 0);
	span_list_release(&list, &memory);
}

static void covers_what_was_added(void **state)
{
	struct lib_random source = lib_random_start();

	(void)state;
	for (int round = 0; round < 200; round++) {
		bool is_covered[ADDRESSES] = {false};
		uint32_t wanted = (uint32_t)lib_random_below(&source, 60);
		struct span_list list = {0};
		struct memory_spans spans;
		uint64_t last = 0;

		for (uint32_t i = 0; i < wanted; i++) {
			uint64_t start = lib_random_below(&source, ADDRESSES);
			uint64_t end = start + lib_random_below(&source, 40);

			end = end < ADDRESSES ? end : ADDRESSES;
			span_list_add(&list, &memory, start, end);
			for (uint64_t addr = start; addr < end; addr++)
				is_covered[addr] = true;
		}
		spans = span_list_join(&list);
		for (uint32_t i = 0; i < spans.count; i++) {
			assert_true(spans.spans[i].start < spans.spans[i].end);
			/* What touches is one. */
			assert_true(i == 0 || spans.spans[i].start > last);
			last = spans.spans[i].end;
		}
		for (uint64_t addr = 0; addr < ADDRESSES; addr++)
			assert_int_equal(memory_spans_find(&spans, addr) != NULL, is_covered[addr]);
		span_list_release(&list, &memory);
	}
	assert_int_equal(memory.bytes, 0);
}

static void grows_and_says_when_it_cannot(void **state)
{
	struct scan_memory little = {.limit = 64 << 10};
	struct span_list list = {0};
	struct memory_spans spans;

	(void)state;
	for (uint64_t i = 3000; i > 0; i--)
		span_list_add(&list, &memory, i * 10, i * 10 + 5);
	assert_false(list.is_failed);
	spans = span_list_join(&list);
	assert_int_equal(spans.count, 3000);
	assert_int_equal(spans.spans[0].start, 10);
	assert_int_equal(spans.spans[2999].start, 30000);
	span_list_release(&list, &memory);
	for (uint64_t i = 0; i < 10000; i++)
		span_list_add(&list, &little, i * 10, i * 10 + 5);
	assert_true(list.is_failed);
	span_list_release(&list, &little);
	assert_int_equal(little.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_added_for_nothing),
		cmocka_unit_test(covers_what_was_added),
		cmocka_unit_test(grows_and_says_when_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
