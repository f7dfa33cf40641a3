/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_address_of_nothing: where a guess takes a word for a return address, it leads into the
 * program, but between two of its segments, where nothing can be read.
 *
 * build: -O2 -Wl,-z,max-page-size=0x200000,-z,separate-code
 * expect: lost_blocks=0 lost_cut_stacks=1
 * output: fine
 */
#include <stdio.h>
#include <stdlib.h>

extern char etext;

#ifdef __x86_64__
struct record {
	unsigned long value;
	void *where;
};

void *allocate_with_record(size_t bytes, struct record *record);
/* In assembler without unwind information. */
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

int main(void)
{
	struct record record = {.value = 0, .where = &etext + 0x100000};

	if (!allocate_with_record(32, &record) || record.value != 0)
		return 1;
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
