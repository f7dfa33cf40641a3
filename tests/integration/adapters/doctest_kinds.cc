/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctest_kinds: section_kinds with doctest, and what only doctest has.
 */
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <seep/doctest.h>

#define SECTION(name) SUBCASE(name)
#define TEST_CASE_OF(fixture, name) TEST_CASE_FIXTURE(fixture, name)
#define TEMPLATE_CASE(name, T, ...) TEST_CASE_TEMPLATE(name, T, __VA_ARGS__)

#include "section_kinds.inc"

TEST_CASE("warns, which is no failure")
{
	WARN(lazily_made() == nullptr);
	MESSAGE("said");
}

TEST_CASE("leaks and warns")
{
	WARN(lazily_made() == nullptr);
	MESSAGE("said");
	lose_block(119);
}

TEST_CASE("may leak" * doctest::may_fail())
{
	lose_block(120);
}
