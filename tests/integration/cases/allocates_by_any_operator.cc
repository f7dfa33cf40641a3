/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_by_any_operator: each form of new and delete, and threads that delete each other's
 * objects. For test_allocators, which links and preloads allocators that bring operators of their own,
 * as some do, and all of which must count each block once.
 *
 * build: -std=c++17 -O1 -fno-optimize-sibling-calls
 * links: -pthread
 * function single: live_blocks=1 live_bytes=40 allocations=2 frees=1
 * function array: live_blocks=1 live_bytes=50 allocations=2 frees=1
 * function single_nothrow: live_blocks=1 live_bytes=60 allocations=2 frees=1
 * function array_nothrow: live_blocks=1 live_bytes=70 allocations=2 frees=1
 * function single_aligned: live_blocks=1 live_bytes=128 allocations=2 frees=1
 * function array_aligned: live_blocks=1 live_bytes=192 allocations=2 frees=1
 * function with_malloc: live_blocks=1 live_bytes=30 allocations=2 frees=1
 * function exchange: live_blocks=64 live_bytes=512 allocations=400000 frees=399936
 * file: unknown_frees=0 lost_blocks=0
 * output: a string that is too long for its own few bytes, 400000 exchanged
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <pthread.h>
#include <string>

#define FORM __attribute__((noinline)) void *

static constexpr std::align_val_t line{64};
static constexpr unsigned slot_count = 64, thread_count = 4, exchanges = 100000;

static std::atomic<long *> slots[slot_count];
static std::atomic<long> exchanged;
static void *volatile kept[7];

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

FORM with_malloc()
{
	return malloc(30);
}

__attribute__((noinline)) static void exchange(unsigned slot)
{
	long *made = new long(slot), *other = slots[slot].exchange(made);

	if (other && *other != slot)
		abort();
	delete other;
	exchanged++;
}

static void *exchange_many(void *seed)
{
	unsigned random = (unsigned)(size_t)seed;

	for (unsigned i = 0; i < exchanges; i++) {
		random = random * 1103515245 + 12345;
		exchange((random >> 16) % slot_count);
	}
	return nullptr;
}

/* What no allocator can give is an exception, and it comes through the doors. */
static bool throws_for_too_much()
{
	volatile size_t much = (size_t)1 << 62;

	try {
		::operator delete(::operator new(much));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

/* With an argument it asks for too much: some allocators abort then, for they are written in C. */
int main(int argc, char **)
{
	static char space[BUFSIZ];
	pthread_t threads[thread_count];
	std::string text = "a string that is too long for";

	setvbuf(stdout, space, _IOFBF, sizeof(space));
	text += " its own few bytes";
	for (int round = 0; round < 2; round++) {
		kept[0] = single();
		kept[1] = array();
		kept[2] = single_nothrow();
		kept[3] = array_nothrow();
		kept[4] = single_aligned();
		kept[5] = array_aligned();
		kept[6] = with_malloc();
		if (round == 0) {
			::operator delete (kept[0], std::size_t{40});
			::operator delete[](kept[1]);
			::operator delete(kept[2], std::nothrow);
			::operator delete[](kept[3], std::nothrow);
			::operator delete (kept[4], std::size_t{128}, line);
			::operator delete[](kept[5], line);
			free(kept[6]);
		}
	}
	for (size_t i = 0; i < thread_count; i++)
		if (pthread_create(&threads[i], nullptr, exchange_many, (void *)(i + 1)) != 0)
			abort();
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
	if (argc > 1 && !throws_for_too_much())
		abort();
	printf("%s, %ld exchanged\n", text.c_str(), exchanged.load());
	return 0;
}
