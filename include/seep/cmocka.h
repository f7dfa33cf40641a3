/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seep/cmocka.h: cmocka tests that fail when they lose memory, under `seep check` or `seep run`.
 *
 * Include it, or have the compiler do so (-include seep/cmocka.h). Nothing else changes: it takes the place
 * of cmocka_run_group_tests, and each test of the group is asked at its end which of the blocks that were
 * allocated since its setup nothing points to any more. What statics, caches and the group's own state hold
 * is no loss. A test that fails or is skipped is not asked. Where nobody watches, all is cmocka's own.
 *
 * A test without a teardown of its own fails; for one with a teardown, which may be what should have freed the
 * block, cmocka reports a teardown that has failed. Either way under the name of the test.
 *
 * For single tests and for whole groups, instead: seep_cmocka_setup and seep_cmocka_teardown as fixtures.
 */
#ifndef SEEP_CMOCKA_H
#define SEEP_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <seep.h>

/* cmocka cuts a message of more than 1,023 bytes. */
#define SEEP_CMOCKA_MESSAGE_BYTES 800

/* Fails the running test with what the last check has found. */
static inline void seep_cmocka_fail(const char *what)
{
	const char *findings = seep_findings(), *line;

	if (strlen(findings) <= SEEP_CMOCKA_MESSAGE_BYTES)
		fail_msg("%s\n%s", what, findings);
	for (line = findings; *line; line += strcspn(line, "\n"), line += *line != 0)
		print_error("%.*s\n", (int)strcspn(line, "\n"), line);
	fail_msg("%s", what);
}

/* What could not be looked at fails no test, but is said. */
static inline void seep_cmocka_require(long long lost)
{
	if (lost > 0)
		seep_cmocka_fail("seep: the test has lost memory");
	if (lost < 0)
		print_error("seep: not checked: %s\n", seep_findings());
}

/* Fails the test when a site grows in each of so many rounds of body(data). */
static inline void seep_assert_no_growth(int rounds, void (*body)(void *data), void *data)
{
	long long grown = seep_require_no_growth(rounds, body, data);

	if (grown > 0)
		seep_cmocka_fail("seep: it grows in every round");
	if (grown < 0)
		print_error("seep: not checked: %s\n", seep_findings());
}

/* ---- fixtures, of a test or a group --------------------------------------------------------- */

static long long seep_cmocka_moment;

static inline int seep_cmocka_setup(void **state)
{
	(void)state;
	seep_cmocka_moment = seep_moment();
	return 0;
}

static inline int seep_cmocka_teardown(void **state)
{
	(void)state;
	seep_cmocka_require(seep_check_since(seep_cmocka_moment));
	return 0;
}

/* ---- all tests of a group ------------------------------------------------------------------- */

struct seep_cmocka_test {
	struct CMUnitTest own; /* as the program has it */
	long long moment;
	int has_passed;
};

static struct seep_cmocka_test *seep_cmocka_running;
static struct {
	CMFixtureFunction setup, teardown;
	void *state; /* as its setup has left it */
} seep_cmocka_group;

/* By its name: cmocka prints that elsewhere, on stdout. A function of its own, for in a larger frame of who checks
 * old pointers would come to lie in what is in use of the stack. */
__attribute__((noinline, unused)) static void seep_cmocka_fail_by_name(const char *name)
{
	char what[256];

	snprintf(what, sizeof(what), "seep: %.150s has lost memory", name);
	seep_cmocka_fail(what);
}

static inline void seep_cmocka_check(void **state)
{
	long long lost;

	/* It has come to its end: what only its state holds nobody can free any more. */
	*state = NULL;
	lost = seep_check_since(seep_cmocka_running->moment);
	if (lost > 0)
		seep_cmocka_fail_by_name(seep_cmocka_running->own.name);
	seep_cmocka_require(lost);
}

static inline int seep_cmocka_begin(void **state)
{
	struct seep_cmocka_test *test = (struct seep_cmocka_test *)*state;

	seep_cmocka_running = test;
	*state = seep_cmocka_group.state ? seep_cmocka_group.state : test->own.initial_state;
	test->moment = seep_moment();
	return test->own.setup_func ? test->own.setup_func(state) : 0;
}

static inline void seep_cmocka_body(void **state)
{
	struct seep_cmocka_test *test = seep_cmocka_running;

	test->own.test_func(state);
	/* One that fails or is skipped does not return. */
	test->has_passed = 1;
	if (!test->own.teardown_func)
		seep_cmocka_check(state);
}

static inline int seep_cmocka_end(void **state)
{
	struct seep_cmocka_test *test = seep_cmocka_running;
	int result = test->own.teardown_func(state);

	if (result == 0 && test->has_passed)
		seep_cmocka_check(state);
	return result;
}

/* cmocka hands a test its initial state, in which it comes to us, only where the group has none. */
static inline int seep_cmocka_begin_group(void **state)
{
	int result = seep_cmocka_group.setup ? seep_cmocka_group.setup(state) : 0;

	seep_cmocka_group.state = *state;
	*state = NULL;
	return result;
}

static inline int seep_cmocka_end_group(void **state)
{
	*state = seep_cmocka_group.state;
	return seep_cmocka_group.teardown ? seep_cmocka_group.teardown(state) : 0;
}

static inline int seep_cmocka_run(const char *name, const struct CMUnitTest *tests, size_t count,
				  CMFixtureFunction setup, CMFixtureFunction teardown)
{
	if (!seep_is_watching() || count == 0)
		return _cmocka_run_group_tests(name, tests, count, setup, teardown);

	struct seep_cmocka_test watched[count];
	struct CMUnitTest wrapped[count];

	for (size_t i = 0; i < count; i++) {
		watched[i].own = tests[i];
		watched[i].moment = 0;
		watched[i].has_passed = 0;
		wrapped[i].name = tests[i].name;
		wrapped[i].test_func = seep_cmocka_body;
		wrapped[i].setup_func = seep_cmocka_begin;
		wrapped[i].teardown_func = tests[i].teardown_func ? seep_cmocka_end : NULL;
		wrapped[i].initial_state = &watched[i];
	}
	seep_cmocka_group.setup = setup;
	seep_cmocka_group.teardown = teardown;
	seep_cmocka_group.state = NULL;
	return _cmocka_run_group_tests(name, wrapped, count, setup ? seep_cmocka_begin_group : NULL,
				       teardown ? seep_cmocka_end_group : NULL);
}

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
	cmocka_run_group_tests_name(#tests, tests, setup, teardown)
#undef cmocka_run_group_tests_name
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
	seep_cmocka_run(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#endif
