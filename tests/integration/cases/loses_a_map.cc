/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_map: the twin of keeps_a_map_in_a_singleton forgets its map.
 *
 * build: -std=c++17 -O2
 * reach make_map: definitely_lost=48/1
 * reach enter: indirectly_lost=17300/200
 */
#include <map>
#include <string>

#include "scan_point.h"

std::map<int, std::string> *sessions;

APART static void make_map()
{
	sessions = new std::map<int, std::string>;
}

APART static void enter(int number)
{
	sessions->emplace(number, std::string(100, 'x'));
}

int main()
{
	make_map();
	for (int i = 0; i < 100; i++)
		enter(i);
	sessions = nullptr;
	scan_point();
}
