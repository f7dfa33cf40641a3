/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throws_through_frames: exceptions unwind through frames as they do without seep, in four threads;
 * the exceptions themselves come and go.
 *
 * links: -pthread
 * build: -O0; -O2
 * function keep: live_blocks=400 live_bytes=9600
 * output: caught 400
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static void *volatile sink;
static std::atomic<int> caught;

__attribute__((noinline)) void keep()
{
	sink = std::malloc(24);
}

__attribute__((noinline)) void fall(int depth)
{
	std::string guard(100 + depth, 'x');

	if (depth == 0)
		throw std::runtime_error(guard);
	fall(depth - 1);
	asm volatile("" : : "r"(guard.data()) : "memory");
}

static void run()
{
	for (int i = 0; i < 100; i++) {
		try {
			fall(i % 10);
		} catch (const std::exception &) {
			caught++;
		}
		keep();
	}
}

int main()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back(run);
	for (auto &thread : threads)
		thread.join();
	std::printf("caught %d\n", caught.load());
	return 0;
}
