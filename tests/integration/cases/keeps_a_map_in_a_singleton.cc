/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_map_in_a_singleton: a hundred entries of a std::map, and strings in them.
 *
 * build: -std=c++17 -O2
 * reach make_map: reachable=48/1
 * reach enter: reachable=17300/200
 */
#include <map>
#include <string>

#include "scan_point.h"

APART static std::map<int, std::string> *make_map()
{
	return new std::map<int, std::string>;
}

static std::map<int, std::string> &sessions()
{
	static auto *map = make_map();

	return *map;
}

APART static void enter(int number)
{
	sessions().emplace(number, std::string(100, 'x'));
}

int main()
{
	for (int i = 0; i < 100; i++)
		enter(i);
	scan_point();
}
