/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_holder_text: who holds the blocks of a site, as a person and as a program reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/holder_text.h"
#include "tools/output/text_style.h"

#define ROOTS_MAX 8
#define PID 4700

static struct frame hash_grow = {
	.function = "hash_grow", .file = "/src/server.c", .line = 41, .module = "/srv/server"};
static struct frame list_push = {
	.function = "list_push", .file = "/src/list.c", .line = 9, .module = "/srv/server"};
static struct frame worker = {.function = "worker_main(void*)",
			      .file = "/src/server.c",
			      .line = 7,
			      .module = "/srv/server"};
static struct frame in_library = {.function = "g_list_append", .module = "/lib/libglib-2.0.so.0"};

static struct module modules[] = {
	{.id = 0,
	 .path = (char[]){"/srv/server"},
	 .flags = SEEP_MODULE_IS_EXECUTABLE,
	 .load_bias = 0x1000},
	{.id = 1, .path = (char[]){"/lib/libfoo.so"}, .load_bias = 0x100000},
};

/* A report of one site, held as the test says. */
struct held {
	struct profile profile;
	struct holders holders;
	struct holder_root roots[ROOTS_MAX];
	struct holder_place places[ROOTS_MAX];
	struct holder_shape shapes[ROOTS_MAX];
	struct report report;
	struct report_site site;
};

static void held_begin(struct held *held)
{
	static char exe[] = "/srv/server";
	memset(held, 0, sizeof(*held));
	held->profile.exe = exe;
	held->profile.pid = PID;
	held->profile.modules = modules;
	held->profile.module_count = 2;
	held->profile.holders = &held->holders;
	held->holders.roots = held->roots;
	held->report.profile = &held->profile;
	held->report.holder_places = held->places;
	held->site.profile = &held->profile;
	held->site.held_by.shapes = held->shapes;
}

static void held_by(struct held *held, struct holder_root root, struct holder_place place,
		    double share, struct shape_step *steps, size_t step_count)
{
	size_t index = held->holders.root_count++;
	assert_true(index < ROOTS_MAX);
	root.name = root.name ? root.name : "";
	held->roots[index] = root;
	held->places[index] = place;
	held->shapes[held->site.held_by.count++] = (struct holder_shape){
		.root = (uint32_t)index,
		.share = share,
		.steps = steps,
		.step_count = step_count,
	};
}

static const struct text_style plain = {.width = 400, .is_utf8 = true};

/* The `index`-th of the texts. */
static void check_text(struct held *held, size_t index, double share, const char *expected)
{
	struct holder_texts texts;
	assert_true(holder_texts_make(&texts, &held->report, &held->site, &plain));
	assert_true(index < texts.count);
	assert_string_equal(texts.texts[index].path, expected);
	assert_true(fabs(texts.texts[index].share - share) < 1e-9);
	holder_texts_free(&texts);
}

static size_t text_count(struct held *held)
{
	struct holder_texts texts;
	assert_true(holder_texts_make(&texts, &held->report, &held->site, &plain));
	size_t count = texts.count;
	holder_texts_free(&texts);
	return count;
}

#define IN_PROGRAM(at)                                                                             \
	{                                                                                          \
		.kind = SEEP_ROOT_MODULE, .module = 0, .address = (at)                             \
	}
#define IN_LIBRARY(at)                                                                             \
	{                                                                                          \
		.kind = SEEP_ROOT_MODULE, .module = 1, .address = (at)                             \
	}
#define NONE PROFILE_NO_MODULE

static void check_root(struct holder_root root, struct holder_place place, const char *expected)
{
	struct held held;
	held_begin(&held);
	held_by(&held, root, place, 1, NULL, 0);
	check_text(&held, 0, 1, expected);
}

/* ---- roots ---- */

static void a_global_is_named_with_where_it_is_declared(void **state)
{
	(void)state;
	check_root((struct holder_root)IN_PROGRAM(0x5000),
		   (struct holder_place){.name = "g_server.table[…]", .file = "/src/server.c"},
		   "g_server.table[…] (server.c) → this");
	check_root((struct holder_root)IN_PROGRAM(0x5000),
		   (struct holder_place){.name = "g_server"}, "g_server → this");
	check_root((struct holder_root)IN_PROGRAM(0x5000),
		   (struct holder_place){.name = "cfg::lines[abi:cxx11][…].all[abi:v2]"},
		   "cfg::lines[…].all → this");
	check_root((struct holder_root)IN_LIBRARY(0x105000),
		   (struct holder_place){.name = "cache", .file = "cache.c"},
		   "cache (cache.c, libfoo.so) → this");
	check_root((struct holder_root)IN_LIBRARY(0x105000), (struct holder_place){.name = "cache"},
		   "cache (libfoo.so) → this");
	check_root((struct holder_root)IN_PROGRAM(0x5000),
		   (struct holder_place){.name = "cache.value",
					 .function = "get_session(int)",
					 .file = "server.c"},
		   "cache.value of get_session (server.c) → this");
}

static void what_has_no_name_has_a_place(void **state)
{
	(void)state;
	check_root((struct holder_root)IN_LIBRARY(0x105040),
		   (struct holder_place){.section = ".data", .section_offset = 0x40},
		   "libfoo.so .data+0x40 → this");
	check_root((struct holder_root)IN_LIBRARY(0x105040), (struct holder_place){0},
		   "libfoo.so+0x5040 → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_TLS, .module = 1, .offset = 8},
		   (struct holder_place){0}, "thread-local data of libfoo.so → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_MODULE, .module = NONE},
		   (struct holder_place){0}, "a module+0x0 → this");
}

static void threads_are_named_by_number_name_and_function(void **state)
{
	(void)state;
	const struct holder_place runs = {.frame = &worker};
	check_root(
		(struct holder_root){
			.kind = SEEP_ROOT_STACK, .thread = 4711, .name = "worker", .module = NONE},
		runs, "stack of thread 4711 \"worker\" in worker_main server.c:7 → this");
	check_root(
		(struct holder_root){
			.kind = SEEP_ROOT_STACK, .thread = 4711, .name = "worker", .module = NONE},
		(struct holder_place){0}, "stack of thread 4711 \"worker\" → this");
	check_root(
		(struct holder_root){
			.kind = SEEP_ROOT_STACK, .thread = PID, .name = "server", .module = NONE},
		runs, "stack of the main thread in worker_main server.c:7 → this");
	check_root(
		(struct holder_root){
			.kind = SEEP_ROOT_REGISTER, .thread = 4711, .address = 3, .module = NONE},
		(struct holder_place){0}, "register rbx of thread 4711 → this");
	check_root(
		(struct holder_root){
			.kind = SEEP_ROOT_REGISTER, .thread = 4711, .address = 18, .module = NONE},
		runs, "register xmm1 of thread 4711 in worker_main server.c:7 → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_THREAD, .thread = 4711, .module = NONE},
		   (struct holder_place){0}, "thread-specific data of thread 4711 → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_TLS, .module = 1, .thread = 4711},
		   (struct holder_place){.name = "buffer"},
		   "thread_local buffer (libfoo.so) → this");
}

static void other_memory_is_named_by_what_it_is(void **state)
{
	(void)state;
	const struct holder_place none = {0};
	check_root((struct holder_root){.kind = SEEP_ROOT_MAPPING, .module = NONE}, none,
		   "an anonymous mapping → this");
	check_root(
		(struct holder_root){.kind = SEEP_ROOT_MAPPING, .bytes = 64 << 20, .module = NONE},
		none, "an anonymous mapping of 64.0 MiB → this");
	check_root(
		(struct holder_root){.kind = SEEP_ROOT_MAPPING, .name = "[heap]", .module = NONE},
		none, "[heap] → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_MAPPING,
					.name = "/dev/shm/pool",
					.module = NONE},
		   none, "the mapping of pool → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_LOADER, .module = NONE}, none,
		   "the dynamic linker → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_REGION, .module = NONE}, none,
		   "a region that the program has declared → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_KERNEL, .name = "epoll", .module = NONE},
		   none, "the kernel, for epoll → this");
	check_root((struct holder_root){.kind = SEEP_ROOT_IGNORED, .module = NONE}, none,
		   "what the program said is no leak → this");
	check_root((struct holder_root){.kind = (enum seep_root_kind)77, .module = NONE}, none,
		   "something that only a newer seep can name → this");
}

/* ---- steps ---- */

static void blocks_on_the_way_are_named_by_who_allocates_them(void **state)
{
	(void)state;
	struct held held;
	struct shape_step steps[] = {
		{.stack = 1,
		 .least = 1,
		 .most = 1,
		 .place_count = SHAPE_PLACES_MAX,
		 .frame = &hash_grow},
		{.stack = 2, .least = 2, .most = 1000, .place_count = 1, .frame = &list_push},
		{.stack = 0},
		{.stack = 3, .least = 1, .most = 1, .place_count = 1, .frame = &in_library},
		{.stack = 4,
		 .least = 7,
		 .most = 7,
		 .place_count = SHAPE_PLACES_MAX,
		 .frame = &hash_grow},
	};
	held_begin(&held);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000),
		(struct holder_place){.name = "g_sessions", .file = "server.c"}, 1, steps, 5);
	held.shapes[0].own_most = 12;
	check_text(&held, 0, 1,
		   "g_sessions (server.c) → table of hash_grow server.c:41 → node of list_push "
		   "list.c:9 (up to ×1,000) → … → block of g_list_append (libglib-2.0.so.0) → node "
		   "of hash_grow server.c:41 (×7) → others of this kind (up to ×12) → this");
}

static void functions_of_the_program_need_no_place(void **state)
{
	(void)state;
	struct held held;
	struct frame stripped = {.function = "dictCreate", .module = "/srv/server"};
	struct shape_step step = {.stack = 1, .least = 1, .most = 1, .frame = &stripped};
	held_begin(&held);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000),
		(struct holder_place){.name = "server"}, 1, &step, 1);
	check_text(&held, 0, 1, "server → block of dictCreate → this");
	stripped.function = NULL;
	stripped.offset = 0x4660;
	check_text(&held, 0, 1, "server → block of server+0x4660 → this");
}

/* One function that allocates for two callers, in turn. */
static void neighbours_that_read_the_same_are_one(void **state)
{
	(void)state;
	struct held held;
	struct shape_step steps[] = {
		{.stack = 1, .least = 2, .most = 2, .frame = &list_push},
		{.stack = 2, .least = 3, .most = 3, .frame = &list_push},
	};
	held_begin(&held);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000),
		(struct holder_place){.name = "g_list"}, 1, steps, 2);
	check_text(&held, 0, 1, "g_list → node of list_push list.c:9 (×5) → this");
}

/* ---- ways that read the same ---- */

static void elements_of_an_array_are_one_way(void **state)
{
	(void)state;
	struct held held;
	struct shape_step first = {.stack = 1,
				   .least = 1,
				   .most = 1,
				   .places = {0, 24, 32, 40, 48, 56},
				   .place_count = 6,
				   .frame = &hash_grow};
	struct shape_step second = first, third = first;
	second.places[0] = 8;
	third.places[0] = 16;
	second.stack = 9;
	held_begin(&held);
	held_by(&held, (struct holder_root){.kind = SEEP_ROOT_LOADER, .module = NONE},
		(struct holder_place){0}, 0.3, NULL, 0);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000),
		(struct holder_place){.name = "g_table[…]"}, 0.25, &first, 1);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5008),
		(struct holder_place){.name = "g_table[…]"}, 0.25, &second, 1);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5010),
		(struct holder_place){.name = "g_table[…]"}, 0.2, &third, 1);
	assert_int_equal(text_count(&held), 2);
	check_text(&held, 0, 0.7, "g_table[…] → table of hash_grow server.c:41 → this");
	check_text(&held, 1, 0.3, "the dynamic linker → this");
}

static void threads_that_run_the_same_are_counted(void **state)
{
	(void)state;
	struct held held;
	const struct holder_place runs = {.frame = &worker};
	held_begin(&held);
	for (uint32_t i = 0; i < 4; i++)
		held_by(&held,
			(struct holder_root){.kind = SEEP_ROOT_STACK,
					     .thread = 4711 + i / 2,
					     .address = i,
					     .name = i ? "worker" : "first",
					     .module = NONE},
			runs, 0.2, NULL, 0);
	held_by(&held, (struct holder_root){.kind = SEEP_ROOT_STACK, .thread = PID, .module = NONE},
		runs, 0.2, NULL, 0);
	assert_int_equal(text_count(&held), 2);
	check_text(&held, 0, 0.8, "stacks of 2 threads in worker_main server.c:7 → this");
}

static void threads_at_different_lines_of_a_function_are_counted_together(void **state)
{
	(void)state;
	struct held held;
	struct frame elsewhere = worker;
	held_begin(&held);
	elsewhere.line = 99;
	for (uint32_t i = 0; i < 2; i++)
		held_by(&held,
			(struct holder_root){
				.kind = SEEP_ROOT_STACK, .thread = 4711 + i, .module = NONE},
			(struct holder_place){.frame = i ? &elsewhere : &worker}, 0.5, NULL, 0);
	check_text(&held, 0, 1, "stacks of 2 threads in worker_main server.c → this");
}

static void registers_of_one_thread_are_one(void **state)
{
	(void)state;
	struct held held;
	held_begin(&held);
	for (uint32_t i = 0; i < 2; i++)
		held_by(&held,
			(struct holder_root){.kind = SEEP_ROOT_REGISTER,
					     .thread = 4711,
					     .address = 12 + i,
					     .module = NONE},
			(struct holder_place){0}, 0.5, NULL, 0);
	check_text(&held, 0, 1, "registers of thread 4711 → this");
}

static void anonymous_mappings_are_counted(void **state)
{
	(void)state;
	struct held held;
	held_begin(&held);
	for (uint32_t i = 0; i < 3; i++)
		held_by(&held,
			(struct holder_root){.kind = SEEP_ROOT_MAPPING,
					     .address = 0x7f0000000000 + 8192 * i,
					     .bytes = 4096,
					     .module = NONE},
			(struct holder_place){0}, 0.25, NULL, 0);
	check_text(&held, 0, 0.75, "3 anonymous mappings → this");
}

static void nameless_places_of_one_section_are_one(void **state)
{
	(void)state;
	struct held held;
	held_begin(&held);
	for (uint32_t i = 0; i < 2; i++)
		held_by(&held, (struct holder_root)IN_LIBRARY(0x105040 + 8 * i),
			(struct holder_place){.section = ".bss", .section_offset = 64 + 8 * i}, 0.5,
			NULL, 0);
	check_text(&held, 0, 1, "libfoo.so .bss → this");
}

/* ---- in a report ---- */

static void check_written(struct held *held, bool is_full, const char *expected)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);
	holder_text_write(stream, &plain, &held->report, &held->site, 4, is_full);
	fclose(stream);
	assert_string_equal(text, expected);
	free(text);
}

static void the_report_names_who_holds_most(void **state)
{
	(void)state;
	struct held held;
	held_begin(&held);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000), (struct holder_place){.name = "g_a"},
		0.985, NULL, 0);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5008), (struct holder_place){.name = "g_b"},
		0.015, NULL, 0);
	check_written(&held, false, "    held by g_a → this: 98 %\n");
	check_written(&held, true, "    held by g_a → this: 98 %\n    and by g_b → this: 1 %\n");
	held.shapes[0].share = 0.5;
	held.shapes[1].share = 0.4;
	check_written(&held, false, "    held by g_a → this: 50 %\n    and by g_b → this: 40 %\n");
	held.site.held_by.count = 0;
	check_written(&held, true, "");
	held.site.held_by.shapes = NULL;
	check_written(&held, true, "");
}

static void the_report_says_what_only_another_finding_holds(void **state)
{
	(void)state;
	struct held held;
	struct report_site other = {.stack = 1}, first = {.stack = 2};
	struct report_finding finding = {.sum = {.stack = 3}};
	struct report_entry entries[] = {{.site = &first}, {.finding = &finding}};
	struct shape_step step = {
		.stack = 1, .least = 1, .most = 1, .place_count = 1, .frame = &list_push};
	held_begin(&held);
	other.finding = &finding;
	held.report.entries = entries;
	held.report.entry_count = 2;
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5000), (struct holder_place){.name = "g_a"},
		0.97, &step, 1);
	held_by(&held, (struct holder_root)IN_PROGRAM(0x5008), (struct holder_place){.name = "g_b"},
		0.03, NULL, 0);
	held.shapes[0].through = &other;
	check_written(&held, false,
		      "    held by g_a → block of list_push list.c:9 → this: 97 %\n"
		      "    held only by blocks of finding 2: it goes when they do\n");
	held.shapes[0].share = 0.9;
	held.shapes[1].share = 0.05;
	check_written(&held, false, "    held by g_a → block of list_push list.c:9 → this: 90 %\n");
}

static void programs_read_whole_names(void **state)
{
	(void)state;
	struct held held;
	struct holder_texts texts;
	held_begin(&held);
	held_by(&held,
		(struct holder_root){.kind = SEEP_ROOT_STACK, .thread = 4711, .module = NONE},
		(struct holder_place){.frame = &worker}, 1, NULL, 0);
	assert_true(holder_texts_make(&texts, &held.report, &held.site, NULL));
	assert_string_equal(texts.texts[0].path,
			    "stack of thread 4711 in worker_main(void*) server.c:7 → this");
	holder_texts_free(&texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_global_is_named_with_where_it_is_declared),
		cmocka_unit_test(what_has_no_name_has_a_place),
		cmocka_unit_test(threads_are_named_by_number_name_and_function),
		cmocka_unit_test(other_memory_is_named_by_what_it_is),
		cmocka_unit_test(blocks_on_the_way_are_named_by_who_allocates_them),
		cmocka_unit_test(functions_of_the_program_need_no_place),
		cmocka_unit_test(neighbours_that_read_the_same_are_one),
		cmocka_unit_test(elements_of_an_array_are_one_way),
		cmocka_unit_test(threads_that_run_the_same_are_counted),
		cmocka_unit_test(threads_at_different_lines_of_a_function_are_counted_together),
		cmocka_unit_test(registers_of_one_thread_are_one),
		cmocka_unit_test(anonymous_mappings_are_counted),
		cmocka_unit_test(nameless_places_of_one_section_are_one),
		cmocka_unit_test(the_report_names_who_holds_most),
		cmocka_unit_test(the_report_says_what_only_another_finding_holds),
		cmocka_unit_test(programs_read_whole_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
