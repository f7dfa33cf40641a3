/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_self_check_text: what a self-check has found, for a person.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_report.h"

/* The text from the line that begins with `begin` on. */
/* The text from `begin` on. */
static const char *from_line(const char *text, const char *begin)
{
	const char *found = strstr(text, begin);

	assert_non_null(found);
	assert_true(found == text || found[-1] == '\n');
	return found;
}

static void shows_where_two_stacks_part(void **state)
{
	(void)state;
	static const char expected[] =
		"Self-check: 184,352 captures compared, 15 of them differ\n"
		"    20 cut by seep where libunwind went on, equal up to there\n"
		"    1 given up by libunwind where seep went on, equal up to there\n"
		"    1 differ in ways for which there was no room\n"
		"\n"
		" 1. 12 captures, the first in thread 4712\n"
		"    both       operator new  (libstdc++.so.6)                               +0x0\n"
		"               xmalloc  alloc.c:12                                          +0x0\n"
		"               open_session  server.c:88                                 +0x1234\n"
		"    seep       accept_one  server.c:140 inlined                          +0x1300\n"
		"               handle_events  events.c:31                                +0x1300\n"
		"               main  server/main.c:201                                      +0x0\n"
		"               __libc_start_call_main  (libc.so.6)                          +0x0\n"
		"               __libc_start_main_impl  (libc.so.6)                          +0x0\n"
		"               _start  (server)                                             +0x0\n"
		"    libunwind  (the end)\n"
		"\n"
		" 2. 2 captures, the first in thread 4712\n"
		"    seep       operator new  (libstdc++.so.6)                               +0x0\n"
		"               xmalloc  alloc.c:12                                          +0x0\n"
		"               open_session  server.c:88                                 +0x1234\n"
		"               accept_one  server.c:140 inlined                          +0x1300\n"
		"               handle_events  events.c:31                                +0x1300\n"
		"               main  server/main.c:201                                      +0x0\n"
		"               __libc_start_call_main  (libc.so.6)                          +0x0\n"
		"               __libc_start_main_impl  (libc.so.6)                          +0x0\n"
		"               _start  (server)                                             +0x0\n"
		"    libunwind  dictExpand  dict.c:151                                     +0x100\n"
		"               [deeper frames cut]\n"
		"\n"
		"    One of the two is wrong. Please report it, with this and the names and\n"
		"    versions of the modules.\n";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample_differ(sample);
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_string_equal(from_line(text, "Self-check: "), expected);
	free(text);
	free(sample);
}

static void says_in_one_line_what_a_self_check_without_a_difference_did(void **state)
{
	(void)state;
	static const struct {
		struct seep_self_check check;
		const char *line;
	} cases[] = {
		{{.compared = 1}, "Self-check: 1 capture compared, no difference\n"},
		{{.compared = 184352, .flags = SEEP_SELF_CHECK_IS_OVER},
		 "Self-check: 184,352 captures compared, no difference\n"},
		{{.flags = SEEP_SELF_CHECK_HAS_NO_LIBUNWIND},
		 "Self-check: nothing was checked: libunwind could not be loaded; is libunwind8\n"
		 "            installed?\n"},
		{{.flags = SEEP_SELF_CHECK_IS_OVER, .skipped = 2},
		 "Self-check: nothing was checked: another thread was using libunwind at the fork\n"
		 "    2 could not be compared when it was their turn\n"},
		{{0}, "Self-check: nothing was checked, no capture was due\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
		sample->self_check.raw = cases[i].check;
		sample->profile.self_check = &sample->self_check;
		char *text = sample_report_text(sample, (struct text_report_options){0});
		assert_string_equal(from_line(text, "Self-check: "), cases[i].line);
		free(text);
		free(sample);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_where_two_stacks_part),
		cmocka_unit_test(says_in_one_line_what_a_self_check_without_a_difference_did),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("text_report", tests, NULL, NULL);
}
