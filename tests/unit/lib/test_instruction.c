/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/instruction.h"

struct encoding {
	const char *text;
	size_t bytes; /* of the instruction; 0: it must be refused */
	uint8_t code[INSTRUCTION_BYTES_MAX];
};

/* As gcc and clang begin je_malloc, tc_malloc and functions of their kind; checked with objdump. */
static const struct encoding encodings[] = {
	{"endbr64", 4, {0xf3, 0x0f, 0x1e, 0xfa}},
	{"push %rbp", 1, {0x55}},
	{"push %r15", 2, {0x41, 0x57}},
	{"mov %rsp,%rbp", 3, {0x48, 0x89, 0xe5}},
	{"mov %rdi,%rax", 3, {0x48, 0x89, 0xf8}},
	{"sub $0x18,%rsp", 4, {0x48, 0x83, 0xec, 0x18}},
	{"sub $0x1f8,%rsp", 7, {0x48, 0x81, 0xec, 0xf8, 0x01}},
	{"cmp $0x1000,%rdi", 7, {0x48, 0x81, 0xff, 0x00, 0x10}},
	{"cmp $0x1000,%rax", 6, {0x48, 0x3d, 0x00, 0x10}},
	{"mov $-2632,%rdx", 7, {0x48, 0xc7, 0xc2, 0xb8, 0xf5, 0xff, 0xff}},
	{"mov $5,%eax", 5, {0xb8, 5}},
	{"movabs $5,%rax", 10, {0x48, 0xb8, 5}},
	{"xor %eax,%eax", 2, {0x31, 0xc0}},
	{"test %rdi,%rdi", 3, {0x48, 0x85, 0xff}},
	{"movslq %esi,%r12", 3, {0x4c, 0x63, 0xe6}},
	{"lea 0x7(%rdi),%rax", 4, {0x48, 0x8d, 0x47, 0x07}},
	{"lea 0x0(,%rdi,8),%rax", 8, {0x48, 0x8d, 0x04, 0xfd}},
	{"mov 0x88(%rsp),%rax", 8, {0x48, 0x8b, 0x84, 0x24, 0x88}},
	{"mov %fs:0x28,%rax", 9, {0x64, 0x48, 0x8b, 0x04, 0x25, 0x28}},
	{"shr $0x1a,%rax", 4, {0x48, 0xc1, 0xe8, 0x1a}},
	{"movzbl (%rdi),%eax", 3, {0x0f, 0xb6, 0x07}},
	{"nopl 0x0(%rax,%rax,1)", 5, {0x0f, 0x1f, 0x44}},

	{"mov 0x10(%rip),%rax", 0, {0x48, 0x8b, 0x05, 0x10}},
	{"lea 0x10(%rip),%rdx", 0, {0x48, 0x8d, 0x15, 0x10}},
	{"cmpb $0,0x10(%rip)", 0, {0x80, 0x3d, 0x10}},
	{"je +5", 0, {0x74, 0x05}},
	{"ja +0x90", 0, {0x0f, 0x87, 0x90}},
	{"jmp +5", 0, {0xeb, 0x05}},
	{"jmp +0x100", 0, {0xe9, 0x00, 0x01}},
	{"jmp *%rax", 0, {0xff, 0xe0}},
	{"call +0x100", 0, {0xe8, 0x00, 0x01}},
	{"xbegin +0x100", 0, {0xc7, 0xf8, 0x00, 0x01}},
	{"ret", 0, {0xc3}},
	{"int3", 0, {0xcc}},
	{"movaps %xmm0,(%rsp)", 0, {0x0f, 0x29, 0x04, 0x24}},
	{"data16 mov", 0, {0x66, 0x89, 0xf8}},
	{"rep stos", 0, {0xf3, 0xab}},
	{"addr32 mov", 0, {0x67, 0x89, 0x07}},
};

static void knows_the_beginnings_of_functions(void **state)
{
	(void)state;
#ifndef __x86_64__
	skip();
#endif
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		size_t bytes = instruction_movable_bytes(encodings[i].code);

		if (bytes != encodings[i].bytes)
			fail_msg("%s has %zu bytes, not %zu", encodings[i].text, encodings[i].bytes,
				 bytes);
	}
}

#define CODE_BYTES 4096u
#define AT 2000u

/* Code without a branch, but for `bytes` bytes of `branch` that begin `at`; is there one into bytes AT + 1 to AT + 4? */
static bool leads_there(const uint8_t *branch, size_t bytes, size_t at)
{
	static uint8_t code[CODE_BYTES];
	struct instruction_span span = {(uintptr_t)code + AT + 1, (uintptr_t)code + AT + 5};

	memset(code, 0x90, sizeof(code));
	memcpy(code + at, branch, bytes);
	return instruction_branches_into(code, sizeof(code), &span, 1);
}

static bool leads_by(size_t opcode_bytes, const uint8_t *opcode, size_t target, size_t at,
		     bool is_short)
{
	uint8_t branch[8];
	int32_t distance = (int32_t)target - (int32_t)(at + opcode_bytes + (is_short ? 1 : 4));

	memcpy(branch, opcode, opcode_bytes);
	memcpy(branch + opcode_bytes, &distance, sizeof(distance));
	return leads_there(branch, opcode_bytes + (is_short ? 1 : 4), at);
}

static void finds_branches_between_the_first_instructions(void **state)
{
	static const struct {
		size_t opcode_bytes;
		uint8_t opcode[2];
		bool is_short;
	} branches[] = {{1, {0xeb}, true},	  {1, {0x74}, true},	   {1, {0x7f}, true},
			{1, {0xe2}, true},	  {1, {0xe9}, false},	   {1, {0xe8}, false},
			{2, {0x0f, 0x84}, false}, {2, {0x0f, 0x8f}, false}};

	(void)state;
#ifndef __x86_64__
	skip();
#endif
	for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
		for (size_t target = AT + 1; target < AT + 5; target++) {
			assert_true(leads_by(branches[i].opcode_bytes, branches[i].opcode, target,
					     AT + 60, branches[i].is_short));
			assert_int_equal(leads_by(branches[i].opcode_bytes, branches[i].opcode,
						  target, AT - 60, branches[i].is_short),
					 !branches[i].is_short);
		}
		/* To its beginning, and behind what is moved: as before. */
		assert_false(leads_by(branches[i].opcode_bytes, branches[i].opcode, AT, AT + 60,
				      branches[i].is_short));
		assert_false(leads_by(branches[i].opcode_bytes, branches[i].opcode, AT + 5, AT + 60,
				      branches[i].is_short));
	}
	/* The last bytes of the code. */
	assert_true(leads_by(1, (const uint8_t[]){0xe9}, AT + 1, CODE_BYTES - 5, false));
	assert_true(leads_by(2, (const uint8_t[]){0x0f, 0x84}, AT + 1, CODE_BYTES - 6, false));
	assert_true(leads_by(1, (const uint8_t[]){0xe9}, AT + 1, 0, false));
}

static void knows_jumps_under_a_condition(void **state)
{
	const struct instruction_jump near =
		instruction_conditional_jump((const uint8_t[]){0x75, 0xf0});
	const struct instruction_jump far =
		instruction_conditional_jump((const uint8_t[]){0x0f, 0x87, 0x90, 0, 0, 0});
	const struct instruction_jump none =
		instruction_conditional_jump((const uint8_t[]){0xeb, 0x05});

	(void)state;
#ifndef __x86_64__
	skip();
#endif
	assert_true(near.bytes == 2 && near.condition == 5 && near.distance == -16);
	assert_true(far.bytes == 6 && far.condition == 7 && far.distance == 0x90);
	assert_int_equal(none.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_beginnings_of_functions),
		cmocka_unit_test(finds_branches_between_the_first_instructions),
		cmocka_unit_test(knows_jumps_under_a_condition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
