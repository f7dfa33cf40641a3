/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inlines_cpp_functions: frames that the optimiser inlined are there, with demangled names and
 * the lines of the calls.
 *
 * build: -O2 -std=c++17
 * stack shop::box<int>::fill: shop::box<int>::fill@fill < shop::open@open < shop::stock@stock
 * site shop::box<int>::fill: live_blocks=1 live_bytes=400
 */
#include <cstdlib>

namespace shop
{

template <typename T> struct box {
	T *things = nullptr;

	__attribute__((always_inline)) inline void fill(unsigned count)
	{
		things = new T[count]; /* fill */
	}
};

box<int> the_box;

__attribute__((always_inline)) inline void open(unsigned count)
{
	the_box.fill(count); /* open */
}

__attribute__((noinline)) void stock(unsigned count)
{
	open(count); /* stock */
	asm volatile("" : : "r"(the_box.things) : "memory");
}

} // namespace shop

int main(int argc, char **)
{
	shop::stock(argc * 100); /* main */
	return 0;
}
