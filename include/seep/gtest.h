/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtest.h: a test of GoogleTest fails when it leaks.
 *
 * Include it in one of the sources of the test program, or in several; nothing else is to be done, and
 * with the option `-include seep/gtest.h` not even that. Then `seep check -- ./tests` fails each test that
 * has allocated memory which nothing points to any more when the test is over, its fixture is gone and
 * SetUp and TearDown have run. Statics, caches and what was made at first use are not lost and no failure.
 * What the set-up and tear-down of a test suite or of an environment lose fails the suite or the program, and
 * so does what one test has allocated and a later one loses.
 * A test that fails anyway is not looked at. Death tests work as ever: their children are not looked at.
 *
 * Without seep nothing is registered. GoogleTest 1.10 and later.
 */
#ifndef SEEP_GTEST_H
#define SEEP_GTEST_H

#include <gtest/gtest.h>

#include <seep/growing_sites.h>
#include <seep/test_leaks.h>

namespace seep
{

class gtest_listener : public testing::EmptyTestEventListener
{
      public:
	void OnEnvironmentsSetUpStart(const testing::UnitTest &) override
	{
		of_program.begin();
	}

	void OnTestSuiteStart(const testing::TestSuite &) override
	{
		of_suite.begin();
	}

	void OnTestStart(const testing::TestInfo &) override
	{
		of_test.begin();
	}

	/* GoogleTest counts what is reported here as the test's own. */
	void OnTestEnd(const testing::TestInfo &test) override
	{
		if (!test.result()->Failed())
			fail_if_leaks(of_test, &test, "this test ");
	}

	/* Tests that have lost something have said so. */
	void OnTestSuiteEnd(const testing::TestSuite &suite) override
	{
		if (!suite.Failed())
			fail_if_leaks(of_suite, suite.GetTestInfo(0),
				      "this suite, beside its single tests, ");
	}

	void OnEnvironmentsTearDownEnd(const testing::UnitTest &program) override
	{
		if (!program.Failed())
			fail_if_leaks(of_program, nullptr,
				      "the program, beside its single tests, ");
	}

      private:
	static void fail_if_leaks(test_leaks &leaks, const testing::TestInfo *place,
				  const char *who)
	{
		leaks.end([place, who](const std::string &has_lost) {
			ADD_FAILURE_AT(place ? place->file() : nullptr, place ? place->line() : -1)
				<< who << has_lost;
		});
	}

	test_leaks of_program, of_suite, of_test;
};

/* One listener, however many sources include this. */
inline bool gtest_listen()
{
	static const bool is_listening = [] {
		if (seep_is_watching())
			testing::UnitTest::GetInstance()->listeners().Append(new gtest_listener);
		return seep_is_watching();
	}();
	return is_listening;
}

namespace
{
__attribute__((unused)) const bool gtest_is_listening = gtest_listen();
}

} // namespace seep
#endif
