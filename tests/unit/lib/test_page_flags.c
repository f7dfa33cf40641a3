/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_page_flags: which pages the program can have written to, with its page map and without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "lib/scan/page_flags.h"

#define PAGE PAGE_FLAGS_PAGE_BYTES
#define PAGES 10000u /* more than are looked at together */

static int may_read_the_map(void **state)
{
	(void)state;
	page_flags_open();
	return 0;
}

static int may_not_read_the_map(void **state)
{
	(void)state;
	page_flags_close();
	return 0;
}

static int end(void **state)
{
	(void)state;
	page_flags_close();
	return 0;
}

static char *map(uint64_t pages, int fd)
{
	char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	assert_ptr_not_equal(start, MAP_FAILED);
	/* A huge page would be there as a whole. */
	if (fd < 0)
		madvise(start, pages * PAGE, MADV_NOHUGEPAGE);
	return start;
}

/* The next run is [from, to) of the pages of `start`. */
static void expect_run(char *start, uint64_t *next, uint64_t from, uint64_t to)
{
	uint64_t run = (uint64_t)start + *next * PAGE, run_end = (uint64_t)start + PAGES * PAGE;

	assert_true(page_flags_run(true, &run, &run_end));
	assert_int_equal((run - (uint64_t)start) / PAGE, from);
	assert_int_equal((run_end - (uint64_t)start) / PAGE, to);
	*next = to;
}

static void expect_no_run(char *start, uint64_t next)
{
	uint64_t run = (uint64_t)start + next * PAGE, run_end = (uint64_t)start + PAGES * PAGE;

	assert_false(page_flags_run(true, &run, &run_end));
}

static void wants_what_was_written_of_what_is_reserved(void **state)
{
	static const uint64_t written[] = {0, 1, 63, 64, 65, 200, 4095, 4096, 9000, PAGES - 1};
	struct sysinfo machine;
	char *start = map(PAGES, -1);
	uint64_t next = 0;

	(void)state;
	if (sysinfo(&machine) != 0 || machine.freeswap != machine.totalswap) {
		print_message("something is swapped out: without the map all is wanted\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		start[written[i] * PAGE] = 1;
	expect_run(start, &next, 0, 2);
	expect_run(start, &next, 63, 66);
	expect_run(start, &next, 200, 201);
	expect_run(start, &next, 4095, 4097);
	expect_run(start, &next, 9000, 9001);
	expect_run(start, &next, PAGES - 1, PAGES);
	munmap(start, PAGES * PAGE);
}

static void wants_nothing_behind_the_end_of_a_file(void **state)
{
	char name[] = "/tmp/test_page_flags.XXXXXX";
	int fd = mkstemp(name);
	uint64_t next = 0;
	char *start;

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(fd, 100 * PAGE), 0);
	start = map(PAGES, fd);
	start[70 * PAGE] = start[98 * PAGE] = 1;
	assert_int_equal(ftruncate(fd, 80 * PAGE), 0);
	do {
		uint64_t run = (uint64_t)start + next * PAGE,
			 run_end = (uint64_t)start + PAGES * PAGE;

		if (!page_flags_run(true, &run, &run_end))
			break;
		next = (run_end - (uint64_t)start) / PAGE;
		/* SIGBUS, where it may not be read. */
		for (volatile char *at = (char *)run; (uint64_t)at < run_end; at += PAGE)
			(void)*at;
	} while (next < PAGES);
	assert_in_range(next, 71, 80);
	expect_no_run(start, 80);
	munmap(start, PAGES * PAGE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wants_what_was_written_of_what_is_reserved,
						may_read_the_map, end),
		cmocka_unit_test_setup_teardown(wants_what_was_written_of_what_is_reserved,
						may_not_read_the_map, end),
		cmocka_unit_test_setup_teardown(wants_nothing_behind_the_end_of_a_file,
						may_read_the_map, end),
		cmocka_unit_test_setup_teardown(wants_nothing_behind_the_end_of_a_file,
						may_not_read_the_map, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
