/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_registers_of_sleeping_threads: the twin of keeps_in_registers_of_sleeping_threads sleeps
 * with the inverse of the pointer in its registers.
 *
 * links: -pthread
 * reach make: definitely_lost=240/6
 */
#include <pthread.h>

#include "scan_point.h"

static uintptr_t inverted[6];
static volatile int asleep;

APART static void make(int index)
{
	inverted[index] = ~(uintptr_t)malloc(40);
}

#define SLEEPER(index, name)                                                                       \
	static void *sleep_with_##name(void *unused)                                               \
	{                                                                                          \
		make(index);                                                                       \
		wipe_traces();                                                                     \
		__asm__ volatile("mov %0, %%" #name "\n\t"                                         \
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
