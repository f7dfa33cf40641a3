/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_every_operator_new: each form of new and delete, counted once although operator new ends
 * in malloc; the stack begins below operator new.
 *
 * build: -std=c++17 -O0
 * site single: live_blocks=1 live_bytes=40 allocations=2 frees=1
 * site array: live_blocks=1 live_bytes=50 allocations=2 frees=1
 * site single_nothrow: live_blocks=1 live_bytes=60 allocations=2 frees=1
 * site array_nothrow: live_blocks=1 live_bytes=70 allocations=2 frees=1
 * site single_aligned: live_blocks=1 live_bytes=128 allocations=2 frees=1
 * site array_aligned: live_blocks=1 live_bytes=192 allocations=2 frees=1
 * site single_aligned_nothrow: live_blocks=1 live_bytes=256 allocations=2 frees=1
 * site with_constructor: live_blocks=1 live_bytes=24 allocations=2 frees=1
 * valgrind: equal
 */
#include <cstdlib>
#include <new>

#define FORM __attribute__((noinline)) void *

static constexpr std::align_val_t line{64};

FORM single()
{
	return ::operator new(40);
}

FORM array()
{
	return ::operator new[](50);
}

FORM single_nothrow()
{
	return ::operator new(60, std::nothrow);
}

FORM array_nothrow()
{
	return ::operator new[](70, std::nothrow);
}

FORM single_aligned()
{
	return ::operator new(128, line);
}

FORM array_aligned()
{
	return ::operator new[](192, line);
}

FORM single_aligned_nothrow()
{
	return ::operator new(256, line, std::nothrow);
}

struct thing {
	long a = 1, b = 2, c = 3;
};

__attribute__((noinline)) thing *with_constructor()
{
	return new thing;
}

void *volatile kept[8];

int main()
{
	for (int round = 0; round < 2; round++) {
		kept[0] = single();
		kept[1] = array();
		kept[2] = single_nothrow();
		kept[3] = array_nothrow();
		kept[4] = single_aligned();
		kept[5] = array_aligned();
		kept[6] = single_aligned_nothrow();
		thing *made = with_constructor();
		kept[7] = made;
		if (round == 0) {
			::operator delete (kept[0], std::size_t{40});
			::operator delete[](kept[1]);
			::operator delete(kept[2], std::nothrow);
			::operator delete[](kept[3], std::nothrow);
			::operator delete (kept[4], std::size_t{128}, line);
			::operator delete[](kept[5], line);
			::operator delete(kept[6], line, std::nothrow);
			delete made;
		}
	}
	return 0;
}
