/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_strings_with_a_head: a std::string of the old kind points to its characters, which lie
 * behind their length in a block.
 *
 * build: -O2 -D_GLIBCXX_USE_CXX11_ABI=0
 * reach make: reachable=125/1
 */
#include <new>
#include <string>

#include "scan_point.h"

/* No destructor when the program ends. */
alignas(std::string) char room[sizeof(std::string)];

APART static void make()
{
	new (room) std::string(100, 'x');
}

int main()
{
	make();
	scan_point();
}
