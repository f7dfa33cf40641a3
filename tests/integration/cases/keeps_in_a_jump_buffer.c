/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_jump_buffer: setjmp stores the registers that calls preserve. The pointer comes back with
 * longjmp, and is nowhere else.
 *
 * reach make: reachable=40/1
 */
#include <setjmp.h>

#include "scan_point.h"

jmp_buf buffer;
static uintptr_t inverted;

APART static void make(void)
{
	inverted = ~(uintptr_t)malloc(40);
}

APART static void keep(void)
{
	__asm__ volatile("mov %0, %%rbx; not %%rbx; lea %1, %%rdi; mov %%rsp, %%r12\n\t"
			 "and $-16, %%rsp; call _setjmp@PLT; mov %%r12, %%rsp; xor %%ebx, %%ebx"
			 :
			 : "m"(inverted), "m"(buffer)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "memory", "cc");
}

int main(void)
{
	make();
	keep();
	scan_point();
}
