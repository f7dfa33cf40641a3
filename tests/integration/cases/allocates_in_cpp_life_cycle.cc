/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_cpp_life_cycle: static constructors and destructors, and those of thread_local
 * objects in a thread that ends and in main.
 *
 * links: -pthread
 * build: -O0
 * site first::first: live_blocks=1 live_bytes=8
 * site first::~first: live_blocks=1 live_bytes=16
 * function own::own: live_blocks=2 live_bytes=64
 * function own::~own: live_blocks=2 live_bytes=128
 */
#include <cstdlib>
#include <thread>

void *volatile sink;

struct first {
	first()
	{
		sink = std::malloc(8);
	}
	~first()
	{
		sink = std::malloc(16);
	}
};

struct own {
	own()
	{
		sink = std::malloc(32);
	}
	~own()
	{
		sink = std::malloc(64);
	}
	int touched = 0;
};

__attribute__((init_priority(101))) first the_first;
thread_local own each;

int main()
{
	std::thread([] { each.touched = 1; }).join();
	each.touched = 2;
	return 0;
}
