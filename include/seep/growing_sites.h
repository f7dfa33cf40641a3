/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growing_sites: what grows each time that a piece of a test is run, also if it can still be reached.
 *
 *     std::string grows = seep::growing_sites(20, [&] { server.handle(request); });
 *     EXPECT_TRUE(grows.empty()) << grows;
 *
 * gtest.h, catch2.h and doctest.h have it; any other C++ test may include it alone. C++11.
 */
#ifndef SEEP_GROWING_SITES_H
#define SEEP_GROWING_SITES_H

#include <cstdio>
#include <cstring>
#include <string>

#include <seep.h>

namespace seep
{

/* Runs body() so many times, as seep_require_no_growth says. Returns the sites that have grown in every round
 * that was judged, with their stacks, in lines. Empty when there are none, when nobody is watching (body() runs all
 * the same), and when it could not be told, which is said on stderr. What body() throws is passed on. */
template <typename Body> std::string growing_sites(int rounds, Body body)
{
	long long sites = seep_require_no_growth(
		rounds, [](void *data) { (*static_cast<Body *>(data))(); }, &body);
	std::string found = seep_findings();

	if (sites >= 0)
		return sites > 0 ? found : "";
	std::fprintf(stderr, "seep: whether a test grows cannot be told: %s",
		     (found.empty() ? std::strerror(static_cast<int>(-sites)) + std::string("\n")
				    : found)
			     .c_str());
	return "";
}

} // namespace seep
#endif
