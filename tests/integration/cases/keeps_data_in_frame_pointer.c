/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_data_in_frame_pointer: a function in assembler without unwind information uses rbp for a
 * record of the program; what a guess takes for a saved frame pointer leads nowhere.
 *
 * build: -O0; -O2
 * output: fine
 */
#include <stdio.h>
#include <stdlib.h>

#ifdef __x86_64__
struct record {
	unsigned long value;
	void *where;
};

void *allocate_with_record(size_t bytes, struct record *record);
__asm__(".text\n"
	".globl allocate_with_record\n"
	".type allocate_with_record, @function\n"
	"allocate_with_record:\n"
	"	push %rbp\n"
	"	mov %rsi, %rbp\n"
	"	call malloc@plt\n"
	"	pop %rbp\n"
	"	ret\n"
	".size allocate_with_record, .-allocate_with_record\n");

/* It needs a frame that is found through rbp, so that a wrong rbp is followed. */
__attribute__((noinline, optimize("no-omit-frame-pointer"))) static void fill(struct record *record)
{
	char space[100];

	__asm__ volatile("" ::"r"(space) : "memory");
	record->where = &&here;
here:
	__asm__ volatile("nop; nop");
	record->value = 0x4141414141414140ul;
}

int main(void)
{
	struct record record;
	void *volatile block;

	fill(&record);
	block = allocate_with_record(100, &record);
	(void)block;
	puts("fine");
	return 0;
}
#else
int main(void)
{
	puts("fine");
	return 0;
}
#endif
