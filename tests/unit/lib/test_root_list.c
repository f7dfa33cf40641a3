/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_root_list: of a mapping the pages that were written to are roots, save what lies in holes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/scan/memory_spans.h"
#include "lib/scan/page_flags.h"
#include "lib/scan/root_list.h"
#include "tests/support/lib_random.h"

#define PAGE PAGE_FLAGS_PAGE_BYTES
#define PAGES 6000u /* more than are looked at at once */

static struct scan_memory memory = {.limit = 64 << 20};
static const struct memory_spans no_holes;
static char *mapping;

static int map_all(void **state)
{
	(void)state;
	mapping = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(mapping != MAP_FAILED);
	madvise(mapping, PAGES * PAGE, MADV_NOHUGEPAGE);
	page_flags_open();
	return 0;
}

static int unmap_all(void **state)
{
	(void)state;
	page_flags_close();
	munmap(mapping, PAGES * PAGE);
	assert_int_equal(memory.bytes, 0);
	return 0;
}

static struct root all_of_it(void)
{
	return (struct root){.start = (uint64_t)mapping,
			     .end = (uint64_t)mapping + PAGES * PAGE,
			     .kind = SEEP_ROOT_MAPPING,
			     .thread = ROOT_OF_NONE,
			     .module = ROOT_OF_NONE};
}

static bool has(const struct root_list *list, uint64_t addr)
{
	uint32_t times = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct root *root = &list->roots[i];

		assert_int_equal(root->offset, root->start - (uint64_t)mapping);
		times += addr >= root->start && addr < root->end;
	}
	assert_true(times <= 1);
	return times == 1;
}

static void only_what_was_touched_is_read(void **state)
{
	struct root_list list = {0};
	struct root root = all_of_it();
	bool is_touched[PAGES] = {false};
	struct lib_random source = lib_random_start();

	(void)state;
	for (int i = 0; i < 500; i++) {
		uint64_t page = lib_random_below(&source, PAGES);

		is_touched[page] = true;
		mapping[page * PAGE + lib_random_below(&source, PAGE)] = 1;
	}
	root_list_add_pages(&list, &memory, &root, true, &no_holes);
	assert_false(list.is_failed);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(has(&list, root.start + page * PAGE + 8), is_touched[page]);
	root_list_release(&list, &memory);
}

static void holes_are_left_out(void **state)
{
	const uint64_t start = (uint64_t)mapping;
	const struct memory_span spans[] = {{start - PAGE, start + 100},
					    {start + PAGE + 16, start + PAGE + 24},
					    {start + 3 * PAGE, start + 5 * PAGE},
					    {start + 9 * PAGE + 8, start + 2 * PAGES * PAGE}};
	const struct memory_spans holes = {.spans = spans, .count = 4};
	struct root_list list = {0};
	struct root root = all_of_it();

	(void)state;
	memset(mapping, 1, 12 * PAGE);
	root_list_add_pages(&list, &memory, &root, true, &holes);
	for (uint64_t addr = start; addr < start + 12 * PAGE; addr += 8) {
		/* Words of which a part lies in a hole are none. */
		bool is_hole = addr < start + 104 || memory_spans_find(&holes, addr) != NULL;

		assert_int_equal(has(&list, addr), !is_hole);
	}
	root_list_release(&list, &memory);
}

static void shared_memory_is_what_is_in_memory(void **state)
{
	char *shared =
		mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct root_list list = {0};
	struct root root = {.start = (uint64_t)shared,
			    .end = (uint64_t)shared + 100 * PAGE,
			    .kind = SEEP_ROOT_MAPPING};

	(void)state;
	assert_true(shared != MAP_FAILED);
	shared[50 * PAGE] = 1;
	root_list_add_pages(&list, &memory, &root, false, &no_holes);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.roots[0].start, (uint64_t)shared + 50 * PAGE);
	assert_int_equal(list.roots[0].end, (uint64_t)shared + 51 * PAGE);
	assert_int_equal(list.bytes, PAGE);
	root_list_release(&list, &memory);
	munmap(shared, 100 * PAGE);
}

static void a_block_is_a_root_without_words(void **state)
{
	struct scan_memory little = {.limit = 128 << 10};
	struct root_list list = {0};
	struct root block = {.start = 1003, .end = 1003, .kind = SEEP_ROOT_LOADER};

	(void)state;
	root_list_add(&list, &little, &block);
	assert_int_equal(list.roots[0].start, 1003);
	for (int i = 0; i < 10000; i++)
		root_list_add(&list, &little, &block);
	assert_true(list.is_failed);
	root_list_release(&list, &little);
	assert_int_equal(little.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_was_touched_is_read, map_all, unmap_all),
		cmocka_unit_test_setup_teardown(holes_are_left_out, map_all, unmap_all),
		cmocka_unit_test_setup_teardown(shared_memory_is_what_is_in_memory, map_all,
						unmap_all),
		cmocka_unit_test(a_block_is_a_root_without_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
