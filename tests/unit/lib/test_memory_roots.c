/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_roots: which mappings are read as roots, by what they are called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/scan/memory_roots.h"
#include "lib/scan/page_flags.h"

static struct scan_memory memory = {.limit = 64 << 20};
static char *page;

static bool is_root(const char *name, bool is_private, bool is_readable)
{
	struct laid_mapping mapping = {
		.start = (uint64_t)page,
		.end = (uint64_t)page + PAGE_FLAGS_PAGE_BYTES,
		.module = ROOT_OF_NONE,
		.is_private = is_private,
		.is_readable = is_readable,
		.is_writable = true,
	};
	struct memory_layout layout = {.mappings = &mapping, .count = 1, .loader = ROOT_OF_NONE};
	struct span_list holes = {0};
	struct root_list roots = {0};
	uint64_t bytes;

	strncpy(mapping.name, name, sizeof(mapping.name) - 1);
	page_flags_open();
	memory_roots_find(&layout, &memory, &holes, &roots);
	page_flags_close();
	bytes = roots.bytes;
	assert_true(bytes == 0 || bytes == PAGE_FLAGS_PAGE_BYTES);
	root_list_release(&roots, &memory);
	span_list_release(&holes, &memory);
	return bytes > 0;
}

static void what_may_hold_pointers_is_a_root(void **state)
{
	(void)state;
	assert_true(is_root("", true, true));
	assert_true(is_root("[anon:of the program]", true, true));
	assert_true(is_root("/a/file", true, true));
	assert_true(is_root("/dev/zero (deleted)", true, true));
	assert_true(is_root("/dev/shm/heap", false, true));
	assert_true(is_root("/memfd:heap (deleted)", false, true));
}

static void what_must_not_be_read_is_none(void **state)
{
	(void)state;
	assert_false(is_root("", true, false));
	assert_false(is_root("/a/file", false, true));
	assert_false(is_root("/dev/uio0", true, true));
	assert_false(is_root("/dev/mem", true, true));
	assert_false(is_root("/dev/mem", false, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_hold_pointers_is_a_root),
		cmocka_unit_test(what_must_not_be_read_is_none),
	};

	page = mmap(NULL, PAGE_FLAGS_PAGE_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 1;
	*page = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
