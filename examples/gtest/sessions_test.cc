/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of GoogleTest under seep: the one that leaks fails, with the place.
 *
 *     gcc -g -c ../session_tests/sessions.c
 *     g++ -g sessions_test.cc sessions.o -lgtest -lgtest_main -o sessions_test
 *     MALLOC_PERTURB_=85 seep check -q -- ./sessions_test
 */
#include <gtest/gtest.h>

// ---- what to put in: in one of the sources ----
#include <seep/gtest.h>
// ----

extern "C" {
#include "../session_tests/sessions.h"
}

TEST(Sessions, CloseWithShortNames)
{
	int number = sessions_open("short");

	EXPECT_STREQ(sessions_name(number), "short");
	sessions_close(number);
}

TEST(Sessions, CloseWithLongNames)
{
	int number = sessions_open("a name of more than eight");

	EXPECT_STREQ(sessions_name(number), "a name of more than eight");
	sessions_close(number);
}
