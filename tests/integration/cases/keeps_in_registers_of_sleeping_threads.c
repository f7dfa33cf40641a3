/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_registers_of_sleeping_threads: threads in poll, and the one pointer to a block is in a
 * register that calls preserve. Each of the six has its thread; they may sleep for hours.
 *
 * links: -pthread
 * reach make: reachable=240/6
 * held make: register r* of thread * in sleep_with_r* FILE:* → this
 * bare make: register r* of thread * in sleep_with_r* → this
 */
#include <pthread.h>

#include "scan_point.h"

static uintptr_t inverted[6];
static volatile int asleep;

APART static void make(int index)
{
	inverted[index] = ~(uintptr_t)malloc(40);
}

/* The thread counts as asleep only when the register holds the pointer. */
#define SLEEPER(index, name)                                                                       \
	static void *sleep_with_##name(void *unused)                                               \
	{                                                                                          \
		make(index);                                                                       \
		wipe_traces();                                                                     \
		__asm__ volatile("mov %0, %%" #name "; not %%" #name "\n\t"                        \
				 "lock incl %1\n"                                                  \
				 "1: mov $7, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n\t"        \
				 "mov $-1, %%edx; syscall; jmp 1b"                                 \
				 :                                                                 \
				 : "m"(inverted[index]), "m"(asleep)                               \
				 : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory");            \
		return unused;                                                                     \
	}

SLEEPER(0, rbx)
SLEEPER(1, rbp)
SLEEPER(2, r12)
SLEEPER(3, r13)
SLEEPER(4, r14)
SLEEPER(5, r15)

APART static void start(void)
{
	void *(*const sleepers[])(void *) = {sleep_with_rbx, sleep_with_rbp, sleep_with_r12,
					     sleep_with_r13, sleep_with_r14, sleep_with_r15};
	pthread_t thread;

	for (int i = 0; i < 6; i++)
		if (pthread_create(&thread, NULL, sleepers[i], NULL))
			abort();
	while (asleep < 6)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	scan_point();
}
