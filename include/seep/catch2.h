/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catch2.h: a test case of Catch2 fails when it leaks.
 *
 * Include it in one of the sources of the test program, or in several; nothing else is to be done. Then
 * `seep check -- ./tests` fails each test case that has allocated memory which nothing points to any more
 * when its function has returned; with sections that is once for each way through them, and the
 * failure names the sections. Statics, caches and what was made at first use are not lost and no failure.
 * A way that fails anyway is not looked at.
 *
 * Catch2 3, and the single header of Catch2 2: there include this before catch.hpp or define
 * CATCH_CONFIG_EXTERNAL_INTERFACES. Without seep nothing is registered.
 */
#ifndef SEEP_CATCH2_H
#define SEEP_CATCH2_H

#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED
#ifndef CATCH_CONFIG_EXTERNAL_INTERFACES
#error "include seep/catch2.h before catch.hpp, or define CATCH_CONFIG_EXTERNAL_INTERFACES before both"
#endif
#define SEEP_CATCH2_IS_2
#elif defined(CATCH_AMALGAMATED_HPP_INCLUDED)
#elif __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_assertion_info.hpp>
#include <catch2/catch_section_info.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/interfaces/catch_interfaces_capture.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#else
#ifndef CATCH_CONFIG_EXTERNAL_INTERFACES
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#endif
#include <catch2/catch.hpp>
#define SEEP_CATCH2_IS_2
#endif

#include <string>
#include <utility>

#include <seep/growing_sites.h>
#include <seep/test_leaks.h>

namespace seep
{

#ifdef SEEP_CATCH2_IS_2
using catch2_base = Catch::TestEventListenerBase;
#else
using catch2_base = Catch::EventListenerBase;
#endif

class catch2_listener : public catch2_base
{
      public:
	using catch2_base::catch2_base;

	/* The test case itself is the outermost section, each time that its function runs. */
	void sectionStarting(const Catch::SectionInfo &section) override
	{
		if (depth++ == 0) {
			sections.clear();
			leaks.begin();
		} else {
			sections += (sections.empty() ? "" : ", ") + ("\"" + section.name + "\"");
		}
	}

	void sectionEnded(const Catch::SectionStats &ended) override
	{
		if (--depth == 0 && ended.assertions.failed == 0 &&
		    ended.assertions.failedButOk == 0)
			leaks.end([this, &ended](const std::string &has_lost) {
				std::string who = sections.empty() ? "this test "
								   : "this test with section " +
									     sections + " ";
				fail(ended.sectionInfo.lineInfo, who + has_lost);
			});
	}

      private:
	/* An assertion that fails as FAIL_CHECK does. In this moment it still counts for the test: the
	 * totals are taken afterwards, and reporters hear of the section's end after the listeners. With
	 * --abort the reaction would be to throw, which nobody expects here; the run ends by itself. */
	static void fail(const Catch::SourceLineInfo &place, std::string &&lost)
	{
		const Catch::AssertionInfo info = {"seep", place, Catch::StringRef(),
						   Catch::ResultDisposition::ContinueOnFailure};
		Catch::AssertionReaction reaction;
		Catch::IResultCapture &test = Catch::getResultCapture();

#ifndef SEEP_CATCH2_IS_2
		test.notifyAssertionStarted(info);
#endif
		test.handleMessage(info, Catch::ResultWas::ExplicitFailure, std::move(lost),
				   reaction);
	}

	int depth = 0;
	std::string sections;
	test_leaks leaks;
};

/* One listener, however many sources include this. */
inline bool catch2_listen()
{
	static const bool is_listening = [] {
		if (!seep_is_watching())
			return false;
#ifdef SEEP_CATCH2_IS_2
		Catch::ListenerRegistrar<catch2_listener> listener;
#else
		Catch::ListenerRegistrar<catch2_listener> listener("seep");
#endif
		static_cast<void>(listener);
		return true;
	}();
	return is_listening;
}

namespace
{
__attribute__((unused)) const bool catch2_is_listening = catch2_listen();
}

} // namespace seep
#undef SEEP_CATCH2_IS_2
#endif
