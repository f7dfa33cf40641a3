/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_sessions: tests of Check under seep. What to put in is the include of seep/check.h; then
 *     gcc check_sessions.c ../session_tests/sessions.c -I../session_tests \
 *             $(pkg-config --cflags --libs check) -g -o check_sessions
 *     seep check -- ./check_sessions
 * fails the tests that lose memory, each by its name. Without seep they are Check's own and pass.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <seep/check.h>

#include "sessions.h"

static void open_and_close(const char *name)
{
	int number = sessions_open(name);

	ck_assert_str_eq(sessions_name(number), name);
	sessions_close(number);
}

START_TEST(closes_short_names)
{
	open_and_close("short");
}
END_TEST

START_TEST(closes_long_names)
{
	open_and_close("a name of more than eight");
}
END_TEST

/* Kept for the next one: no loss. */
START_TEST(fills_a_cache_once)
{
	static char *cache;

	if (!cache)
		cache = strdup("what is expensive to find");
	ck_assert_ptr_nonnull(cache);
}
END_TEST

static void reopen(void *name)
{
	open_and_close(name);
}

START_TEST(closes_them_again_and_again)
{
	seep_assert_no_growth(10, reopen, (void *)"short");
}
END_TEST

START_TEST(forgets_one_in_every_round)
{
	seep_assert_no_growth(10, reopen, (void *)"a name of more than eight");
}
END_TEST

START_TEST(fails_and_loses)
{
	open_and_close("a name of more than eight");
	ck_assert_str_eq("this", "that");
}
END_TEST

static void **list;

static void make_list(void)
{
	list = malloc(sizeof(*list));
	*list = malloc(100);
}

static void free_list(void)
{
	free(*list);
	free(list);
	list = NULL;
}

static void free_head_of_list(void)
{
	free(list);
	list = NULL;
}

START_TEST(uses_list)
{
	ck_assert_ptr_nonnull(*list);
}
END_TEST

static void add_tests_of_list(Suite *suite, const char *name, SFun teardown)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, make_list, teardown);
	tcase_add_test(tcase, uses_list);
	suite_add_tcase(suite, tcase);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("sessions");
	TCase *tcase = tcase_create("names");

	(void)argv;
	suite_add_tcase(suite, tcase);
	if (argc > 1) {
		tcase_add_test(tcase, fails_and_loses);
	} else {
		tcase_add_test(tcase, closes_short_names);
		tcase_add_test(tcase, closes_long_names);
		tcase_add_test(tcase, fills_a_cache_once);
		tcase_add_test(tcase, closes_them_again_and_again);
		tcase_add_test(tcase, forgets_one_in_every_round);
		add_tests_of_list(suite, "list", free_list);
		add_tests_of_list(suite, "list whose end is forgotten", free_head_of_list);
	}

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
