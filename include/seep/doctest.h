/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctest.h: a test case of doctest fails when it leaks.
 *
 * Include it in one of the sources of the test program, or in several; nothing else is to be done. Then
 * `seep check -- ./tests` fails each test case that has allocated memory which nothing points to any more
 * when its function has returned; with subcases that is once for each way through them, and the
 * failure names the subcases. Statics, caches and what was made at first use are not lost and no failure.
 * A way that fails anyway is not looked at.
 *
 * Without seep, or with DOCTEST_CONFIG_DISABLE, nothing is registered. doctest 2.4 and later.
 */
#ifndef SEEP_DOCTEST_H
#define SEEP_DOCTEST_H

#include <doctest/doctest.h>

#ifndef DOCTEST_CONFIG_DISABLE

#include <atomic>
#include <string>

#include <seep/growing_sites.h>
#include <seep/test_leaks.h>

namespace seep
{

/*
 * doctest has added up what a test case comes to when its listeners hear of the end, so they cannot fail it.
 * Therefore the listener puts a function of its own in place of the test's, which calls that and
 * then looks; what it reports is an assertion like any other of the test.
 */
class doctest_listener : public doctest::IReporter
{
      public:
	explicit doctest_listener(const doctest::ContextOptions &)
	{
	}

	void test_case_start(const doctest::TestCaseData &data) override
	{
		/* Every test is a TestCase; doctest lets nobody but itself change it, and is done with
		 * what it sorts them by. */
		test = const_cast<doctest::detail::TestCase *>(
			static_cast<const doctest::detail::TestCase *>(&data));
		body = test->m_test;
		test->m_test = run_and_look;
		current() = this;
	}

	void test_case_end(const doctest::CurrentTestCaseStats &) override
	{
		test->m_test = body;
	}

	void subcase_start(const doctest::SubcaseSignature &subcase) override
	{
		subcases += (subcases.empty() ? "\"" : ", \"") +
			    std::string(subcase.m_name.c_str()) + "\"";
	}

	void log_assert(const doctest::AssertData &assertion) override
	{
		if (assertion.m_failed && !(assertion.m_at & doctest::assertType::is_warn))
			has_failed = true;
	}

	void log_message(const doctest::MessageData &message) override
	{
		if (!(message.m_severity & doctest::assertType::is_warn))
			has_failed = true;
	}

	void test_case_exception(const doctest::TestCaseException &) override
	{
		has_failed = true;
	}

	void report_query(const doctest::QueryData &) override
	{
	}
	void test_run_start() override
	{
	}
	void test_run_end(const doctest::TestRunStats &) override
	{
	}
	void test_case_reenter(const doctest::TestCaseData &) override
	{
	}
	void subcase_end() override
	{
	}
	void test_case_skipped(const doctest::TestCaseData &) override
	{
	}

      private:
	static void run_and_look()
	{
		doctest_listener &me = *current();

		me.subcases.clear();
		me.has_failed = false;
		me.leaks.begin();
		me.body();
		if (!me.has_failed)
			me.leaks.end([&me](const std::string &has_lost) {
				std::string who = me.subcases.empty() ? "this test "
								      : "this test with subcase " +
										me.subcases + " ";
				DOCTEST_ADD_FAIL_CHECK_AT(
					me.test->m_file.c_str(), me.test->m_line,
					doctest::String((who + has_lost).c_str()));
			});
	}

	/* The test's function gets no argument. */
	static doctest_listener *&current()
	{
		static doctest_listener *listener;

		return listener;
	}

	doctest::detail::TestCase *test = nullptr;
	doctest::detail::funcType body = nullptr;
	std::atomic<bool> has_failed{false}; /* assertions may come from several threads */
	std::string subcases;
	test_leaks leaks;
};

/* One listener, however many sources include this. */
inline bool doctest_listen()
{
	static const bool is_listening = [] {
		if (seep_is_watching())
			doctest::registerReporter<doctest_listener>("seep", 0, false);
		return seep_is_watching();
	}();
	return is_listening;
}

namespace
{
__attribute__((unused)) const bool doctest_is_listening = doctest_listen();
}

} // namespace seep
#endif
#endif
