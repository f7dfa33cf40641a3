/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_strings: long ones, in globals, in a vector and in a frame.
 *
 * build: -std=c++17 -O2
 * reach make: reachable=101/1
 * reach fill: reachable=any
 * reach main: reachable=301/1
 */
#include <new>
#include <string>
#include <vector>

#include "scan_point.h"

alignas(std::string) char room[sizeof(std::string)];
std::vector<std::string> *strings;

APART static void make()
{
	new (room) std::string(100, 'x');
}

APART static void fill()
{
	strings = new std::vector<std::string>;
	for (int i = 0; i < 20; i++)
		strings->push_back(std::string(200, 'y'));
}

int main()
{
	std::string text(300, 'z');

	make();
	fill();
	scan_point();
	return text.empty();
}
