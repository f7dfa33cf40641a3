// SPDX-License-Identifier: Apache-2.0
//
// pushes_and_pops_lists: each thread pushes nodes onto a std::list<int>, then pops them all.
//
// The benchmark that MemHawk publishes (https://github.com/IlRomanenko/MemHawk), where heaptrack
// takes 12 to 41 times as long as the plain program. Short stacks, many live blocks, new memory all
// the time: the locks and the tables of a tracker, rather than its unwinder.
//
//     pushes_and_pops_lists THREADS NODES
//
// Prints seconds from the first push to the last pop of all threads.

#include <cstdio>
#include <cstdlib>
#include <list>
#include <thread>
#include <vector>

#include "tests/bench/programs/stopwatch.h"

static void push_and_pop(long nodes)
{
	std::list<int> list;

	for (long i = 0; i < nodes; i++)
		list.push_back(static_cast<int>(i));
	while (!list.empty())
		list.pop_back();
}

int main(int argc, char **argv)
{
	const char *usage = "THREADS NODES";
	long threads = number_at(argc, argv, 1, usage), nodes = number_at(argc, argv, 2, usage);
	std::vector<std::thread> workers;

	workers.reserve(threads);
	double started = WALL_NS();
	for (long i = 0; i < threads; i++)
		workers.emplace_back(push_and_pop, nodes);
	for (auto &worker : workers)
		worker.join();
	double wall_s = (WALL_NS() - started) / 1e9;
	std::printf("{\"s\":%.6f,\"allocations\":%ld}\n", wall_s, threads * nodes);
	return 0;
}
