/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_site_identity: what a site's id survives, and what it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"

#define MOST 6

struct stack {
	struct frame frames[MOST]; /* up to the first without anything */
};

static const char *id_of(const struct stack *stack, const struct profile *profile)
{
	static char ids[4][17];
	static int next;
	struct report_site site = {.frames = (struct frame *)stack->frames, .profile = profile};
	while (site.frame_count < MOST &&
	       (stack->frames[site.frame_count].function ||
		stack->frames[site.frame_count].module || stack->frames[site.frame_count].offset))
		site.frame_count++;
	report_site_identify(&site);
	next = (next + 1) % 4;
	return strcpy(ids[next], site.id);
}

static void assert_same(const struct stack *a, const struct stack *b)
{
	assert_string_equal(id_of(a, NULL), id_of(b, NULL));
}

static void assert_other(const struct stack *a, const struct stack *b)
{
	assert_string_not_equal(id_of(a, NULL), id_of(b, NULL));
}

#define CALLED(name)                                                                               \
	{                                                                                          \
		.function = (name), .module = "/bin/server"                                        \
	}

static void lines_files_and_folders_do_not_count(void **state)
{
	(void)state;
	const struct stack before = {{{.function = "parse",
				       .file = "/src/a.c",
				       .line = 7,
				       .module = "/opt/v1/libp.so.1.2",
				       .offset = 10}}};
	const struct stack after = {{{.function = "parse",
				      .file = "b.c",
				      .line = 70,
				      .module = "/opt/v2/libp.so.3",
				      .offset = 20}}};
	assert_same(&before, &after);
	const struct stack other = {{{.function = "parse", .module = "/opt/v1/libq.so.1.2"}}};
	assert_other(&before, &other);
}

static void inlining_and_clones_do_not_count(void **state)
{
	(void)state;
	const struct stack plain = {{CALLED("parse"), CALLED("serve"), CALLED("main")}};
	const struct stack optimised = {{{.function = "parse.constprop.0.isra.1",
					  .module = "/bin/server",
					  .is_inlined = true},
					 CALLED("serve.part.0"),
					 CALLED("main")}};
	assert_same(&plain, &optimised);
	const struct stack shorter = {{CALLED("parse"), CALLED("main")}};
	assert_other(&plain, &shorter);
	const struct stack turned = {{CALLED("serve"), CALLED("parse"), CALLED("main")}};
	assert_other(&plain, &turned);
}

static void names_count_without_parameters_and_template_arguments(void **state)
{
	(void)state;
	static const struct {
		const char *one, *other;
	} same[] = {
		{"ns::Table<long int>::put<char>(int) const", "ns::Table<long>::put(char)"},
		{"(anonymous namespace)::f(int)", "(anonymous namespace)::f"},
		{"f[abi:cxx11](int)", "f()"},
		{"main::{lambda(int)#1}::operator()(int) const", "main::{lambda}::operator()"},
		{"main::$_0::operator()(int) const", "main::{lambda}::operator()"},
		{"Set<int>::operator<(Set<int> const&) const", "Set::operator<"},
		{"std::function<void* (int)>::call(int) const::{lambda()#2}::operator()()",
		 "std::function::call::{lambda}::operator()"},
		{"<app::Cache as app::Store>::put", "<app::Cache as app::Store>::put"},
		{"f<&(a->b)>(int)", "f"},
		{"Bytes::operator[](unsigned long)", "Bytes::operator[]"},
	};
	static const char *const others[][2] = {
		{"ns::Table<int>::put", "ns::Table<int>::take"},
		{"operator new(unsigned long)", "operator new[](unsigned long)"},
		{"Set::operator<", "Set::operator<<"},
		{"(anonymous namespace)::f", "f"},
		{"<app::Cache as app::Store>::put", "<app::Disk as app::Store>::put"},
		{"a::{lambda}::operator()", "a::operator()"},
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		const struct stack one = {{CALLED(same[i].one)}};
		const struct stack other = {{CALLED(same[i].other)}};
		assert_same(&one, &other);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		const struct stack one = {{CALLED(others[i][0])}};
		const struct stack other = {{CALLED(others[i][1])}};
		assert_other(&one, &other);
	}
	/* No name makes it read beyond its end. */
	static const char *const broken[] = {"",   "<",	       "f(",	    "f<(",
					     "{",  "operator", "operator<", "a->",
					     ">",  ")",	       "f)",	    "(anonymous namespace",
					     "f[", "$_",       "$_1"};
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const struct stack stack = {{CALLED(broken[i])}};
		assert_int_equal(strlen(id_of(&stack, NULL)), 16);
	}
}

#define WRAPPER(name, path)                                                                        \
	{                                                                                          \
		.function = (name), .module = (path), .is_wrapper = true                           \
	}

static void of_wrappers_only_what_the_program_called_counts(void **state)
{
	(void)state;
	const struct stack old = {
		{WRAPPER("operator new", "/lib/libstdc++.so.6"),
		 WRAPPER("__gnu_cxx::new_allocator<int>::allocate(unsigned long)", "/bin/server"),
		 WRAPPER("std::vector<int, std::allocator<int> >::push_back(int&&)", "/bin/server"),
		 CALLED("serve"), CALLED("main")}};
	const struct stack new = {{WRAPPER("std::__new_allocator<int>::allocate", "/bin/server"),
				   WRAPPER("std::vector<int>::emplace_back<int>", "/lib/libx.so"),
				   CALLED("serve"), CALLED("main")}};
	const struct stack other = {{WRAPPER("std::map<int, int>::operator[]", "/bin/server"),
				     CALLED("serve"), CALLED("main")}};
	const struct stack plain = {{CALLED("serve"), CALLED("main")}};
	assert_same(&old, &new);
	assert_other(&old, &other);
	assert_other(&old, &plain);
}

static void the_program_may_be_renamed(void **state)
{
	(void)state;
	struct module one = {.path = "/v1/server", .flags = SEEP_MODULE_IS_EXECUTABLE};
	struct module two = {.path = "/v2/server-ng", .flags = SEEP_MODULE_IS_EXECUTABLE};
	const struct profile before = {.modules = &one, .module_count = 1};
	const struct profile after = {.modules = &two, .module_count = 1};
	const struct stack here = {{{.function = "main", .module = "/v1/server"}}};
	const struct stack there = {{{.function = "main", .module = "/v2/server-ng"}}};
	assert_string_equal(id_of(&here, &before), id_of(&there, &after));
	/* A library may not. */
	assert_string_not_equal(id_of(&here, &before), id_of(&there, &before));
}

static void the_depth_of_recursion_does_not_count(void **state)
{
	(void)state;
	const struct stack flat = {{CALLED("leaf"), CALLED("walk"), CALLED("main")}};
	const struct stack deep = {
		{CALLED("leaf"), CALLED("walk"), CALLED("walk"), CALLED("walk"), CALLED("main")}};
	assert_same(&flat, &deep);
	/* Neighbours without a name are not known to be the same. */
	const struct stack unknown = {
		{{.module = "/bin/x", .offset = 1}, {.module = "/bin/x", .offset = 2}}};
	const struct stack fewer = {{{.module = "/bin/x", .offset = 1}}};
	assert_other(&unknown, &fewer);
}

static void what_starts_a_program_or_a_thread_does_not_count(void **state)
{
	(void)state;
	const struct stack old = {{CALLED("work"),
				   CALLED("main"),
				   {.function = "__libc_start_main", .module = "/lib/libc-2.31.so"},
				   {.function = "_start", .module = "/bin/server"}}};
	const struct stack new = {
		{CALLED("work"),
		 CALLED("main"),
		 {.module = "/lib/libc.so.6", .offset = 4711},
		 {.function = "__libc_start_main_impl", .module = "/lib/libc.so.6"},
		 {.function = "_start", .module = "/bin/server"}}};
	const struct stack bare = {{CALLED("work"), CALLED("main")}};
	assert_same(&old, &new);
	assert_same(&old, &bare);
	/* In between it does: this is a callback. */
	const struct stack sorting = {{CALLED("work"),
				       {.function = "qsort", .module = "/lib/libc.so.6"},
				       CALLED("main")}};
	assert_other(&bare, &sorting);
	/* And where there is nothing else. */
	const struct stack only = {{{.function = "tzset", .module = "/lib/libc.so.6"}}};
	const struct stack another = {{{.function = "setlocale", .module = "/lib/libc.so.6"}}};
	assert_other(&only, &another);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_files_and_folders_do_not_count),
		cmocka_unit_test(inlining_and_clones_do_not_count),
		cmocka_unit_test(names_count_without_parameters_and_template_arguments),
		cmocka_unit_test(of_wrappers_only_what_the_program_called_counts),
		cmocka_unit_test(the_program_may_be_renamed),
		cmocka_unit_test(the_depth_of_recursion_does_not_count),
		cmocka_unit_test(what_starts_a_program_or_a_thread_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
