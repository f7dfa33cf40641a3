/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_point: the moment at which it is asked what of a program's memory is lost.
 *
 * The answer is certain only where no copy of a pointer lies about that nobody means to keep: in a
 * register, or on the stack where a function was that has returned. So the programs that include
 * this make their blocks in functions that are APART. Those restore what registers calls preserve,
 * main() has no pointer in its hands, and wipe_traces() clears all the rest.
 */
#ifndef SCAN_POINT_H
#define SCAN_POINT_H

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noipa))
#endif

/* How far below its caller wipe_traces() clears the stack: deeper than dlopen() goes. */
#define WIPED_BYTES 49152

#ifdef __x86_64__
/* Has no frame, for what lies between the variables of a frame would be left as it was. */
APART static void wipe_traces(void)
{
	__asm__ volatile(
		"sub %0, %%rsp; mov %%rsp, %%rdi; mov %0, %%ecx; xor %%eax, %%eax\n\t"
		"rep stosb\n\t"
		"add %0, %%rsp\n\t"
		"xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d\n\t"
		"xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d\n\t"
		"pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2\n\t"
		"pxor %%xmm3, %%xmm3; pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5\n\t"
		"pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7; pxor %%xmm8, %%xmm8"
		:
		: "i"(WIPED_BYTES)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory",
		  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8");
}
#else
APART static void wipe_traces(void)
{
	char traces[WIPED_BYTES];
	volatile char *trace = traces;

	for (int i = 0; i < WIPED_BYTES; i++)
		trace[i] = 0;
}
#endif

/* Whoever wants to look while the program runs keeps its stdin open until then. */
APART static void wait_for_stdin(void)
{
	char word;

	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		abort();
	while (read(STDIN_FILENO, &word, 1) > 0)
		continue;
}

static inline __attribute__((always_inline)) void wait_for_scan(void)
{
	wipe_traces();
	wait_for_stdin();
}

/* The frames of all callers are still there when the program ends. */
static inline __attribute__((always_inline, noreturn)) void scan_point(void)
{
	wait_for_scan();
	exit(0);
}

/* What a thread does that others are to find asleep. */
__attribute__((noreturn, unused)) APART static void sleep_for_ever(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

#endif
