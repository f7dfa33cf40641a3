/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_as_argument_of_a_system_call: a thread reads from a pipe into a block, and nothing but the
 * register with that argument points to it.
 *
 * links: -pthread
 * reach make: reachable=4096/1
 */
#include <pthread.h>

#include "scan_point.h"

static uintptr_t inverted;
static volatile int asleep;
static int ends[2];

APART static void make(void)
{
	inverted = ~(uintptr_t)malloc(4096);
}

static void *read_into_block(void *unused)
{
	make();
	wipe_traces();
	__asm__ volatile("mov %0, %%rsi; not %%rsi\n\t"
			 "lock incl %1\n"
			 "1: xor %%eax, %%eax; mov %2, %%edi; mov $4096, %%edx; syscall; jmp 1b"
			 :
			 : "m"(inverted), "m"(asleep), "m"(ends[0])
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory");
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	if (pipe(ends) || pthread_create(&thread, NULL, read_into_block, NULL))
		abort();
	while (!asleep)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	scan_point();
}
