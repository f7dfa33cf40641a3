/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_twins: how sites with the same functions are numbered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/site_twins.h"

#define SITES 4

static struct frame frames[SITES][2];
static struct report_site sites[SITES];
static struct report report = {.sites = sites};

/* Calls of make from serve, at these lines and offsets. */
static void call_from(size_t count, const int *lines, const uint64_t *offsets)
{
	struct site_twins *twins = site_twins_new();

	assert_non_null(twins);
	report.site_count = count;
	for (size_t i = 0; i < count; i++) {
		frames[i][0] = (struct frame){.function = "make", .module = "/a", .offset = 7};
		frames[i][1] = (struct frame){.function = "serve",
					      .module = "/a",
					      .line = lines[i],
					      .offset = offsets[i]};
		sites[i] = (struct report_site){.frames = frames[i], .frame_count = 2};
		report_site_identify(&sites[i]);
		assert_true(site_twins_add(twins, &sites[i]));
	}
	site_twins_tell_apart(twins, &report);
	site_twins_free(twins);
}

static void they_are_numbered_by_their_lines(void **state)
{
	(void)state;
	char first[17], second[17];
	call_from(2, (int[]){10, 20}, (uint64_t[]){500, 100});
	strcpy(first, sites[0].id);
	strcpy(second, sites[1].id);
	assert_string_not_equal(first, second);
	assert_int_equal(sites[0].twin_count, 2);
	/* Moved, in another order, and elsewhere. */
	call_from(2, (int[]){44, 31}, (uint64_t[]){9, 8});
	assert_string_equal(sites[1].id, first);
	assert_string_equal(sites[0].id, second);
}

static void by_their_addresses_where_no_line_is_known(void **state)
{
	(void)state;
	char first[17];
	call_from(3, (int[]){0, 0, 0}, (uint64_t[]){300, 100, 200});
	strcpy(first, sites[1].id);
	assert_string_not_equal(sites[0].id, sites[2].id);
	call_from(1, (int[]){0}, (uint64_t[]){4000});
	assert_string_equal(sites[0].id, first);
}

static void one_line_is_one_site_however_often_it_was_compiled(void **state)
{
	(void)state;
	call_from(3, (int[]){10, 10, 11}, (uint64_t[]){500, 600, 700});
	assert_string_equal(sites[0].id, sites[1].id);
	assert_string_not_equal(sites[0].id, sites[2].id);
	assert_int_equal(sites[2].twin_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_numbered_by_their_lines),
		cmocka_unit_test(by_their_addresses_where_no_line_is_known),
		cmocka_unit_test(one_line_is_one_site_however_often_it_was_compiled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
