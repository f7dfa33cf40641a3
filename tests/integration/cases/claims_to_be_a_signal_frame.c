/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims_to_be_a_signal_frame: a function in assembler is marked .cfi_signal_frame, as a few
 * libraries do, but where the kernel's record would be lies something else.
 *
 * build: -O0; -O2
 * output: fine
 */
#include <stdio.h>
#include <stdlib.h>

#ifdef __x86_64__
void *trampoline(size_t bytes);
__asm__(".text\n"
	".globl trampoline\n"
	".type trampoline, @function\n"
	"trampoline:\n"
	".cfi_startproc\n"
	".cfi_signal_frame\n"
	"	sub $392, %rsp\n"
	".cfi_adjust_cfa_offset 392\n"
	"	movabs $0x4141414141414140, %rax\n"
	"	mov %rax, 120(%rsp)\n" /* where rbp would be */
	"	mov %rax, 160(%rsp)\n" /* rsp */
	"	lea main(%rip), %rax\n"
	"	add $20, %rax\n"
	"	mov %rax, 168(%rsp)\n" /* rip: code of this program */
	"	call malloc@plt\n"
	"	add $392, %rsp\n"
	".cfi_adjust_cfa_offset -392\n"
	"	ret\n"
	".cfi_endproc\n"
	".size trampoline, .-trampoline\n");
#else
#define trampoline malloc
#endif

int main(void)
{
	void *volatile block = trampoline(100);

	(void)block;
	puts("fine");
	return 0;
}
