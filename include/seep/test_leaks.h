/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_leaks: what one test has lost, as the text of its failure.
 *
 * What gtest.h, catch2.h and doctest.h share, and what the adapter of another C++ framework needs: begin()
 * before the test, end() after it, when what the test owned is gone. C++11. Not for use by several
 * threads at once; what the threads of a test allocate counts, too.
 */
#ifndef SEEP_TEST_LEAKS_H
#define SEEP_TEST_LEAKS_H

#include <cstdio>
#include <cstring>
#include <string>

#include <seep.h>

namespace seep
{

class test_leaks
{
      public:
	/* From now on. */
	void begin()
	{
		moment = seep_moment();
	}

	/* Looks what has been allocated since begin() and is lost now, and calls fail() with a text of several
	 * lines, how much and where; "has lost 2 blocks of memory: ..." wants a subject before it. Does
	 * nothing when it is nothing, when nobody is watching, and when nobody could look: that is said on
	 * stderr, once. */
	template <typename Fail> void end(const Fail &fail)
	{
		long long since = moment;

		moment = 0;
		if (since == 0)
			return;
		forget_dead_pointers();
		look(since, fail);
	}

      private:
	/* The frames of the test are gone, but their words still lie where the frames of the check will be,
	 * and those leave gaps. A pointer in such a gap would seem to hold its block. So what has room
	 * for gaps comes after this, and in frames of its own. */
	__attribute__((noinline)) static void forget_dead_pointers()
	{
		char words[8 * 1024];

		std::memset(words, 0, sizeof words);
		__asm__ volatile("" : : "r"(words) : "memory");
	}

	template <typename Fail>
	__attribute__((noinline)) static void look(long long since, const Fail &fail)
	{
		long long blocks = since > 0 ? seep_check_since(since) : since;

		if (blocks < 0)
			say_once(static_cast<int>(-blocks));
		else if (blocks > 0)
			fail("has lost " + std::to_string(blocks) +
			     (blocks == 1 ? " block of memory:\n" : " blocks of memory:\n") +
			     seep_findings());
	}

	static void say_once(int error)
	{
		static bool is_said;
		std::string why = seep_findings();

		if (!is_said)
			std::fprintf(stderr, "seep: whether tests leak cannot be told: %s",
				     (why.empty() ? std::strerror(error) + std::string("\n") : why)
					     .c_str());
		is_said = true;
	}

	long long moment = 0;
};

} // namespace seep
#endif
