/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_a_register: the twin of keeps_in_a_register puts something else into its register.
 *
 * reach make: definitely_lost=40/1
 */
#include "scan_point.h"

static uintptr_t inverted;

APART static void make(void)
{
	inverted = ~(uintptr_t)malloc(40);
}

__attribute__((noreturn)) APART static void wait_with_register(void)
{
	__asm__ volatile("mov %0, %%rbx; not %%rbx\n\t"
			 "mov $1, %%ebx\n\t"
			 "mov $1, %%eax; mov $1, %%edi; mov %1, %%rsi; mov $6, %%edx\n\t"
			 "syscall\n"
			 "1: xor %%eax, %%eax; xor %%edi, %%edi; lea -256(%%rsp), %%rsi\n\t"
			 "mov $1, %%edx\n\t"
			 "syscall\n\t"
			 "test %%rax, %%rax; jg 1b\n\t"
			 "xor %%edi, %%edi; and $-16, %%rsp; call exit@PLT"
			 :
			 : "m"(inverted), "r"("ready\n")
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "memory");
	__builtin_unreachable();
}

int main(void)
{
	make();
	wipe_traces();
	wait_with_register();
}
