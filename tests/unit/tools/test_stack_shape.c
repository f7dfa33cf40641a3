/* SPDX-License-Identifier: Apache-2.0 */
/* test_stack_shape: a stack ends for a person where the program's own code begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/report.h"
#include "tools/output/stack_shape.h"

#define PROGRAM "/srv/bin/server"
#define RUNTIME "/lib/x86_64-linux-gnu/libstdc++.so.6"

static size_t end_of(struct frame *frames, size_t count, bool is_full)
{
	const struct report_site site = {.frames = frames, .frame_count = count};

	return stack_shape_of(&site, is_full).end;
}

static void what_calls_a_threads_function_is_left_out(void **state)
{
	struct frame frames[] = {
		{.function = "open_session", .module = PROGRAM},
		{.function = "main::{lambda}::operator()", .module = PROGRAM},
		{.function = "void std::__invoke_impl<void, main::{lambda}>(…)", .module = PROGRAM},
		{.function = "std::__invoke<main::{lambda}>", .module = PROGRAM},
		{.function = "std::thread::_Invoker<…>::_M_invoke<0>", .module = PROGRAM},
		{.function = "std::thread::_State_impl<…>::_M_run", .module = PROGRAM},
		{.module = RUNTIME, .offset = 0xd44a3},
		{.function = "start_thread", .module = "/lib/libc.so.6"},
		{.function = "clone3", .module = "/lib/libc.so.6"},
	};

	(void)state;
	assert_int_equal(end_of(frames, 9, false), 2);
	assert_int_equal(end_of(frames, 9, true), 9);
	/* Between functions of the program it is a part of the way. */
	frames[7].function = "main";
	assert_int_equal(end_of(frames, 8, false), 8);
	/* Somebody must be left to be named. */
	assert_int_equal(end_of(frames + 5, 2, false), 1);
	/* Nothing is known of another library without symbols. */
	frames[6].module = "/lib/libplugin.so";
	assert_int_equal(end_of(frames, 7, false), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_calls_a_threads_function_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
