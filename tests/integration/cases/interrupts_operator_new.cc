/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupts_operator_new: a signal handler allocates before and after the malloc inside operator
 * new and the free inside operator delete. Everything is counted once, and where it belongs.
 *
 * build: -O0
 * library: operators_interrupted_by_signals.cc
 * expect: lost_blocks=0 allocations=110 frees=10
 * function make: live_blocks=20 live_bytes=2000 allocations=30 frees=10
 * function handle: live_blocks=80 live_bytes=5120 allocations=80 frees=0
 */
#include <csignal>
#include <cstdlib>

struct record {
	char bytes[100];
};

void *blocks[100];
int used;
record *volatile kept[30];

static void handle(int)
{
	blocks[used++] = malloc(64);
}

__attribute__((noinline)) record *make()
{
	return new record();
}

int main()
{
	signal(SIGUSR1, handle);
	for (int i = 0; i < 30; i++)
		kept[i] = make();
	for (int i = 0; i < 10; i++)
		delete kept[i];
	return 0;
}
