/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of Catch2 under seep: the one that leaks fails, with the place and the section. Here with Catch2 2; with
 * Catch2 3 the two first lines of code are <catch2/catch_test_macros.hpp>, and the libraries
 * -lCatch2Main -lCatch2.
 *
 *     gcc -g -c ../session_tests/sessions.c
 *     g++ -g sessions_test.cc sessions.o -o sessions_test
 *     MALLOC_PERTURB_=85 seep check -q -- ./sessions_test
 */
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// ---- what to put in: in one of the sources, with version 2 in the one with the main program ----
#include <seep/catch2.h>
// ----

extern "C" {
#include "../session_tests/sessions.h"
}

TEST_CASE("sessions close")
{
	SECTION("with short names")
	{
		int number = sessions_open("short");

		CHECK(sessions_name(number) == std::string("short"));
		sessions_close(number);
	}
	SECTION("with long names")
	{
		int number = sessions_open("a name of more than eight");

		CHECK(sessions_name(number) == std::string("a name of more than eight"));
		sessions_close(number);
	}
}
