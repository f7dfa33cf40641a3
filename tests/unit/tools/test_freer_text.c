/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_freer_text: who frees, as a person wants to read it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/freer_text.h"

#define CODE(name, number)                                                                         \
	{                                                                                          \
		.function = (name), .file = "/src/server.cc", .line = (number),                    \
		.module = "/srv/server"                                                            \
	}
#define WRAPPER(name)                                                                              \
	{                                                                                          \
		.function = (name), .module = "/lib/libstdc++.so.6", .is_wrapper = true            \
	}

static struct profile server = {.exe = (char[]){"/srv/server"}};

static struct report_site site_of(struct freer *freers, size_t count, double samples)
{
	return (struct report_site){.profile = &server, .freed_by = {freers, count, samples}};
}

static void the_way_through_the_library_is_left_out(void **state)
{
	(void)state;
	struct frame frames[] = {WRAPPER("operator delete"),
				 WRAPPER("std::default_delete<Session>::operator()"),
				 WRAPPER("std::unique_ptr<Session>::~unique_ptr"),
				 CODE("Server::close(int)", 40), CODE("main", 9)};
	struct freer freer = {.share = 1, .frames = frames, .frame_count = 5};
	struct report_site site = site_of(&freer, 1, 50);
	struct freer_text texts[FREER_TEXT_MAX];
	assert_int_equal(freer_text_of(&site, texts), 1);
	assert_string_equal(texts[0].text, "Server::close server.cc:40");
	assert_true(texts[0].share == 1);
}

static void a_destructor_of_the_program_is_named_beside_who_ends_the_object(void **state)
{
	(void)state;
	struct frame frames[] = {WRAPPER("operator delete"), CODE("Buffer::~Buffer()", 10),
				 CODE("net::Session<int>::~Session()", 12),
				 CODE("Server::close(int)", 40)};
	frames[1].is_destructor = frames[2].is_destructor = true;
	struct freer freer = {.share = 1, .frames = frames, .frame_count = 4};
	struct report_site site = site_of(&freer, 1, 50);
	struct freer_text texts[FREER_TEXT_MAX];
	assert_int_equal(freer_text_of(&site, texts), 1);
	assert_string_equal(texts[0].text, "Server::close server.cc:40 (Buffer::~Buffer)");
	/* Where nothing else is known, it is who frees. */
	freer.frame_count = 3;
	assert_int_equal(freer_text_of(&site, texts), 1);
	assert_string_equal(texts[0].text,
			    "net::Session<int>::~Session server.cc:12 (Buffer::~Buffer)");
}

static void all_ways_to_a_function_count_for_it(void **state)
{
	(void)state;
	struct frame close[] = {CODE("session_close", 120), CODE("serve", 1)};
	struct frame close_too[] = {CODE("session_close", 131), CODE("expire", 2)};
	struct frame drop[] = {CODE("session_drop", 150)};
	struct freer freers[] = {{.share = 0.4, .frames = drop, .frame_count = 1},
				 {.share = 0.35, .frames = close, .frame_count = 2},
				 {.share = 0.25, .frames = close_too, .frame_count = 2}};
	struct report_site site = site_of(freers, 3, 1000);
	struct freer_text texts[FREER_TEXT_MAX];
	assert_int_equal(freer_text_of(&site, texts), 2);
	/* With the place from which it frees most. */
	assert_string_equal(texts[0].text, "session_close server.cc:120");
	assert_true(texts[0].share > 0.599 && texts[0].share < 0.601);
	assert_string_equal(texts[1].text, "session_drop server.cc:150");
}

static void nobody_is_named_of_many_or_by_few_samples(void **state)
{
	(void)state;
	struct frame frames[3] = {CODE("a", 1), CODE("b", 2), CODE("c", 3)};
	struct freer freers[3];
	struct freer_text texts[FREER_TEXT_MAX];
	for (size_t i = 0; i < 3; i++)
		freers[i] = (struct freer){.frames = &frames[i], .frame_count = 1};
	freers[0].share = 0.5;
	freers[1].share = 0.3;
	freers[2].share = 0.2;
	struct report_site site = site_of(freers, 3, 1000);
	assert_int_equal(freer_text_of(&site, texts), 0);
	freers[0].share = 0.6;
	freers[1].share = 0.2;
	assert_int_equal(freer_text_of(&site, texts), 1);
	site.freed_by.samples = 10;
	assert_int_equal(freer_text_of(&site, texts), 0);
	site.freed_by.samples = 11;
	assert_int_equal(freer_text_of(&site, texts), 1);
	/* Nor where symbols are not filled in, or the file does not say. */
	for (size_t i = 0; i < 3; i++)
		freers[i].frame_count = 0;
	assert_int_equal(freer_text_of(&site, texts), 0);
	assert_int_equal(freer_text_of(&(struct report_site){.profile = &server}, texts), 0);
}

static void without_a_function_it_is_module_and_offset(void **state)
{
	(void)state;
	struct frame frames[] = {{.function = "[signal]", .is_pseudo = true},
				 {.module = "/srv/lib/plugin.so", .offset = 0x4660}};
	struct freer freer = {.share = 1, .frames = frames, .frame_count = 2};
	struct report_site site = site_of(&freer, 1, 50);
	struct freer_text texts[FREER_TEXT_MAX];
	assert_int_equal(freer_text_of(&site, texts), 1);
	assert_string_equal(texts[0].text, "plugin.so+0x4660");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_through_the_library_is_left_out),
		cmocka_unit_test(a_destructor_of_the_program_is_named_beside_who_ends_the_object),
		cmocka_unit_test(all_ways_to_a_function_count_for_it),
		cmocka_unit_test(nobody_is_named_of_many_or_by_few_samples),
		cmocka_unit_test(without_a_function_it_is_module_and_offset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
