/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of doctest under seep: the one that leaks fails, with the place and the subcase.
 *
 *     gcc -g -c ../session_tests/sessions.c
 *     g++ -g sessions_test.cc sessions.o -o sessions_test
 *     MALLOC_PERTURB_=85 seep check -q -- ./sessions_test
 */
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

// ---- what to put in: in one of the sources ----
#include <seep/doctest.h>
// ----

#include <string>

extern "C" {
#include "../session_tests/sessions.h"
}

TEST_CASE("sessions close")
{
	SUBCASE("with short names")
	{
		int number = sessions_open("short");

		CHECK(sessions_name(number) == std::string("short"));
		sessions_close(number);
	}
	SUBCASE("with long names")
	{
		int number = sessions_open("a name of more than eight");

		CHECK(sessions_name(number) == std::string("a name of more than eight"));
		sessions_close(number);
	}
}
