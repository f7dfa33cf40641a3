/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_the_red_zone: a function that calls no other may use 128 bytes below its stack pointer.
 * A thread sleeps in such a function, with the one pointer to a block there.
 *
 * links: -pthread
 * reach make: reachable=40/1
 */
#include <pthread.h>

#include "scan_point.h"

static uintptr_t inverted;
static volatile int asleep;

APART static void make(void)
{
	inverted = ~(uintptr_t)malloc(40);
}

static void *sleep_with_red_zone(void *unused)
{
	make();
	wipe_traces();
	__asm__ volatile("and $-16, %%rsp\n\t"
			 "mov %0, %%rax; not %%rax; mov %%rax, -120(%%rsp)\n\t"
			 "lock incl %1\n"
			 "1: mov $7, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n\t"
			 "mov $-1, %%edx; syscall; jmp 1b"
			 :
			 : "m"(inverted), "m"(asleep)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory");
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_with_red_zone, NULL))
		abort();
	while (!asleep)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	scan_point();
}
