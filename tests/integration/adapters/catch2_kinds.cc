/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catch2_kinds: section_kinds with Catch2, and what only Catch2 has.
 */
#ifdef CATCH2_IS_2
#define CATCH_CONFIG_MAIN
#endif
#include <seep/catch2.h>
#ifndef CATCH2_IS_2
#include <catch2/catch_all.hpp>
#endif

#define TEST_CASE_OF(fixture, name) TEST_CASE_METHOD(fixture, name)
#define TEMPLATE_CASE(name, T, ...)                                                                \
	template <typename T> static void template_case();                                         \
	TEMPLATE_TEST_CASE(name, "", __VA_ARGS__)                                                  \
	{                                                                                          \
		template_case<TestType>();                                                         \
	}                                                                                          \
	template <typename T> static void template_case()

#include "section_kinds.inc"

TEST_CASE("leaks with one generated number of three")
{
	int number = GENERATE(1, 2, 3);

	if (number == 2)
		lose_block(119);
	CHECK(number > 0);
}

TEST_CASE("may leak", "[!mayfail]")
{
	lose_block(120);
	CHECK(true);
}
