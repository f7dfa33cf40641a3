/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sessions: cmocka tests under seep. What to put in is the include of seep/cmocka.h; then
 *     gcc test_sessions.c ../session_tests/sessions.c -I../session_tests -lcmocka -g -o test_sessions
 *     seep check -- ./test_sessions
 * fails the tests that lose memory, each by its name. Without seep they are cmocka's own and pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <seep/cmocka.h>

#include "sessions.h"

static void open_and_close(const char *name)
{
	int number = sessions_open(name);

	assert_string_equal(sessions_name(number), name);
	sessions_close(number);
}

static void closes_short_names(void **state)
{
	(void)state;
	open_and_close("short");
}

static void closes_long_names(void **state)
{
	(void)state;
	open_and_close("a name of more than eight");
}

/* Kept for the next one: no loss. */
static void fills_a_cache_once(void **state)
{
	static char *cache;

	(void)state;
	if (!cache)
		cache = strdup("what is expensive to find");
	assert_non_null(cache);
}

static int make_list(void **state)
{
	void **first = malloc(sizeof(*first));

	*first = malloc(100);
	*state = first;
	return 0;
}

static int free_list(void **state)
{
	free(*(void **)*state);
	free(*state);
	return 0;
}

static int free_head_of_list(void **state)
{
	free(*state);
	return 0;
}

static void uses_list(void **state)
{
	assert_non_null(*state);
}

static void reopen(void *name)
{
	open_and_close(name);
}

static void closes_them_again_and_again(void **state)
{
	(void)state;
	seep_assert_no_growth(10, reopen, (void *)"short");
}

static void forgets_one_in_every_round(void **state)
{
	(void)state;
	seep_assert_no_growth(10, reopen, (void *)"a name of more than eight");
}

static void fails_and_loses(void **state)
{
	(void)state;
	open_and_close("a name of more than eight");
	assert_string_equal("this", "that");
}

static void is_skipped(void **state)
{
	(void)state;
	open_and_close("a name of more than eight");
	skip();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_short_names),
		cmocka_unit_test(closes_long_names),
		cmocka_unit_test(fills_a_cache_once),
		cmocka_unit_test_setup_teardown(uses_list, make_list, free_list),
		{"uses_list_whose_end_is_forgotten", uses_list, make_list, free_head_of_list, NULL},
		cmocka_unit_test(closes_them_again_and_again),
		cmocka_unit_test(forgets_one_in_every_round),
		cmocka_unit_test(is_skipped),
	};
	const struct CMUnitTest failing[] = {cmocka_unit_test(fails_and_loses)};

	(void)argv;
	return argc > 1 ? cmocka_run_group_tests(failing, NULL, NULL)
			: cmocka_run_group_tests(tests, NULL, NULL);
}
