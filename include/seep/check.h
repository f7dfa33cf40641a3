/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seep/check.h: tests of Check that fail when they lose memory, under `seep check` or `seep run`.
 *
 * Include it, or have the compiler do so (-include seep/check.h). Nothing else changes: each test case that
 * is created gets a checked fixture, which asks at the end of each test which of the blocks that were
 * allocated since its beginning nothing points to any more. What statics and caches hold is no loss.
 * A test that fails for another reason is reported for that alone. Works in the processes that Check forks for
 * its tests, and without (CK_FORK=no). Where nobody watches, all is Check's own.
 *
 * The fixture is the test case's first: its setup runs before those that the program adds, and its teardown
 * after theirs, so what these forget is found, too. tcase_create of Check itself is (tcase_create)(name).
 */
#ifndef SEEP_CHECK_H
#define SEEP_CHECK_H

#include <stdio.h>

#include <check.h>
#include <seep.h>

static long long seep_tcase_moment;

/* Fails the running test with what the last check has found. What could not be looked at fails no test, but
 * is said. */
static inline void seep_tcase_require(long long found, const char *what)
{
	if (found > 0)
		ck_abort_msg("%s\n%s", what, seep_findings());
	if (found < 0)
		fprintf(stderr, "seep: not checked: %s\n", seep_findings());
}

/* Fails the test when a site grows in each of so many rounds of body(data). */
static inline void seep_assert_no_growth(int rounds, void (*body)(void *data), void *data)
{
	seep_tcase_require(seep_require_no_growth(rounds, body, data),
			   "seep: it grows in every round");
}

static inline void seep_tcase_setup(void)
{
	seep_tcase_moment = seep_moment();
}

static inline void seep_tcase_teardown(void)
{
	seep_tcase_require(seep_check_since(seep_tcase_moment), "seep: the test has lost memory");
}

static inline TCase *seep_tcase(TCase *tcase)
{
	if (seep_is_watching())
		tcase_add_checked_fixture(tcase, seep_tcase_setup, seep_tcase_teardown);
	return tcase;
}

#define tcase_create(name) seep_tcase((tcase_create)(name))

#endif
