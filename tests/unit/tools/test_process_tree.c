/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/model/process_tree.h"

#define FILES_MAX 16

/* "0 1.2 2.1" for the files 0, 2 (a child of it) and 1 (a child of that): INDEX.DEPTH, without a depth of 0. */
static const char *order_of(struct process_file *files, size_t count)
{
	static char text[256];
	size_t order[FILES_MAX], length = 0;

	assert_int_equal(process_tree_order(files, count, order), 0);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		length += (size_t)sprintf(text + length, "%s%zu", i ? " " : "", order[i]);
		if (files[order[i]].depth)
			length += (size_t)sprintf(text + length, ".%zu", files[order[i]].depth);
	}
	return text;
}

#define ORDER_OF(...)                                                                              \
	order_of((struct process_file[]){__VA_ARGS__},                                             \
		 sizeof((struct process_file[]){__VA_ARGS__}) / sizeof(struct process_file))

static void children_follow_their_parent_as_they_were_given(void **state)
{
	(void)state;
	assert_string_equal(ORDER_OF({.pid = 30, .parent = 10, .started_unix_ns = 3},
				     {.pid = 10, .parent = 1, .started_unix_ns = 1},
				     {.pid = 20, .parent = 10, .started_unix_ns = 2},
				     {.pid = 40, .parent = 30, .started_unix_ns = 4},
				     {.pid = 50, .parent = 7, .started_unix_ns = 5}),
			    "1 0.1 3.2 2.1 4");
}

static void programs_of_one_process_stand_together_in_time(void **state)
{
	(void)state;
	assert_string_equal(
		ORDER_OF({.pid = 10, .start_ticks = 5, .started_unix_ns = 3},
			 {.pid = 11, .parent = 10, .start_ticks = 6, .started_unix_ns = 2},
			 {.pid = 10, .start_ticks = 5, .started_unix_ns = 1}),
		"2 0 1.1");
}

static void a_pid_that_is_used_again_is_another_process(void **state)
{
	(void)state;
	/* The child belongs to the one that was there. */
	assert_string_equal(
		ORDER_OF({.pid = 10, .start_ticks = 1, .started_unix_ns = 1},
			 {.pid = 10, .start_ticks = 9, .started_unix_ns = 9},
			 {.pid = 11, .parent = 10, .start_ticks = 5, .started_unix_ns = 5},
			 {.pid = 12, .parent = 10, .start_ticks = 12, .started_unix_ns = 12}),
		"0 2.1 1 3.1");
}

static void nobody_is_his_own_ancestor(void **state)
{
	(void)state;
	assert_string_equal(ORDER_OF({.pid = 10, .parent = 10, .started_unix_ns = 1}), "0");
	assert_string_equal(ORDER_OF({.pid = 10, .parent = 11, .started_unix_ns = 1},
				     {.pid = 11, .parent = 10, .started_unix_ns = 1}),
			    "0 1.1");
	assert_string_equal(ORDER_OF({.pid = 10, .parent = 10, .start_ticks = 1},
				     {.pid = 10, .parent = 10, .start_ticks = 2}),
			    "0 1.1");
}

static void no_files_have_no_order(void **state)
{
	(void)state;
	assert_int_equal(process_tree_order(NULL, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_follow_their_parent_as_they_were_given),
		cmocka_unit_test(programs_of_one_process_stand_together_in_time),
		cmocka_unit_test(a_pid_that_is_used_again_is_another_process),
		cmocka_unit_test(nobody_is_his_own_ancestor),
		cmocka_unit_test(no_files_have_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
