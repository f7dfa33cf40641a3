/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_vector_registers_of_sleeping_threads: memmove() has pointers nowhere else for a moment, and
 * a compiler that copies two at a time may leave them there. Eight threads sleep so.
 *
 * links: -pthread
 * reach make: reachable=320/8
 * valgrind make: definitely_lost=320/8; it does not look into vector registers
 */
#include <pthread.h>

#include "scan_point.h"

enum { THREADS = 8 };

static uintptr_t inverted[THREADS];
static int begun;
static volatile int asleep;

APART static void make(int index)
{
	inverted[index] = ~(uintptr_t)malloc(40);
}

static void *sleep_with_vector(void *unused)
{
	int index = __atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);

	make(index);
	wipe_traces();
	__asm__ volatile("not %0; movq %0, %%xmm0; pslldq $8, %%xmm0; movdqa %%xmm0, %%xmm9\n\t"
			 "xor %0, %0; pxor %%xmm0, %%xmm0\n\t"
			 "lock incl %1\n"
			 "1: mov $7, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n\t"
			 "mov $-1, %%edx; syscall; jmp 1b"
			 :
			 : "b"(inverted[index]), "m"(asleep)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "xmm0", "xmm9", "memory");
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, sleep_with_vector, NULL))
			abort();
	while (asleep < THREADS)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	scan_point();
}
