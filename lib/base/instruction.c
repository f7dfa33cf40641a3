/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruction: may an instruction be executed at another address?
 *
 * Of x86-64 the few with which compilers begin functions: saving registers, making room on the stack,
 * moving, comparing and computing with registers, constants and memory that is not addressed relative to
 * the instruction. What is not among them is refused, not guessed. Opcodes and ModRM: Intel's Software
 * Developer's Manual, volume 2, chapter 2 and appendix A.
 *
 *   Runs in   the target, at the start
 *   Locks     none
 *   Memory    none
 *   Calls     nothing
 *   Failure   0: an instruction that it does not know
 */
#include "lib/base/instruction.h"

#include <string.h>

#include "lib/base/poison.h"

#ifdef __x86_64__

enum operands {
	OPERANDS_UNKNOWN,
	OPERANDS_NONE,
	OPERANDS_MODRM,
	OPERANDS_MODRM_8,  /* and a constant of a byte */
	OPERANDS_MODRM_32, /* or of four */
	OPERANDS_32,
	OPERANDS_CONSTANT, /* of four bytes, or of eight with REX.W */
};

static enum operands operands_of(uint8_t opcode)
{
	if (opcode >= 0x50 && opcode <= 0x5f) /* push, pop */
		return OPERANDS_NONE;
	if (opcode >= 0xb8 && opcode <= 0xbf) /* mov constant, register */
		return OPERANDS_CONSTANT;
	/* add, or, adc, sbb, and, sub, xor, cmp between a register and another, or memory */
	if (opcode < 0x40 && (opcode & 7) < 4)
		return OPERANDS_MODRM;
	switch (opcode) {
	case 0x63: /* movslq */
	case 0x84: /* test */
	case 0x85:
	case 0x88: /* mov */
	case 0x89:
	case 0x8a:
	case 0x8b:
	case 0x8d: /* lea */
		return OPERANDS_MODRM;
	case 0x80: /* add … cmp with a constant */
	case 0x83:
	case 0xc1: /* shifts */
		return OPERANDS_MODRM_8;
	case 0x81:
	case 0xc7: /* mov */
		return OPERANDS_MODRM_32;
	case 0x3d: /* cmp constant, %eax */
	case 0xa9: /* test */
		return OPERANDS_32;
	default:
		return OPERANDS_UNKNOWN;
	}
}

/* Those that begin with 0f. */
static enum operands long_operands_of(uint8_t opcode)
{
	switch (opcode) {
	case 0x1f: /* nop */
	case 0xb6: /* movzx */
	case 0xb7:
	case 0xbe: /* movsx */
	case 0xbf:
		return OPERANDS_MODRM;
	default:
		return OPERANDS_UNKNOWN;
	}
}

/* Of ModRM, SIB and displacement; 0 where the address is relative to the instruction. */
static size_t address_bytes(const uint8_t *modrm)
{
	unsigned mode = *modrm >> 6, base = *modrm & 7;
	size_t bytes = 1;

	if (mode == 3)
		return bytes;
	if (mode == 0 && base == 5)
		return 0;
	if (base == 4) {
		bytes++;
		if (mode == 0 && (modrm[1] & 7) == 5)
			return bytes + 4;
	}
	return bytes + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
}

size_t instruction_movable_bytes(const uint8_t *code)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	const uint8_t *next = code;
	enum operands operands;
	bool is_wide = false;
	size_t address = 0;

	if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
		return sizeof(endbr64);
	if (*next == 0x64) /* %fs: thread-local */
		next++;
	if (*next >= 0x40 && *next <= 0x4f)
		is_wide = *next++ & 8;
	operands = *next == 0x0f ? long_operands_of(*++next) : operands_of(*next);
	next++;
	if (operands == OPERANDS_MODRM || operands == OPERANDS_MODRM_8 ||
	    operands == OPERANDS_MODRM_32) {
		address = address_bytes(next);
		/* Of c7 all but mov is xbegin, which is a branch. */
		if (address == 0 || (next[-1] == 0xc7 && (*next & 0x38) != 0))
			return 0;
		next += address;
	}
	switch (operands) {
	case OPERANDS_UNKNOWN:
		return 0;
	case OPERANDS_NONE:
	case OPERANDS_MODRM:
		break;
	case OPERANDS_MODRM_8:
		next++;
		break;
	case OPERANDS_MODRM_32:
	case OPERANDS_32:
		next += 4;
		break;
	case OPERANDS_CONSTANT:
		next += is_wide ? 8 : 4;
		break;
	}
	return (size_t)(next - code);
}

struct instruction_jump instruction_conditional_jump(const uint8_t *code)
{
	int32_t distance;

	if ((code[0] & 0xf0) == 0x70)
		return (struct instruction_jump){2, code[0] & 0x0f, (int8_t)code[1]};
	if (code[0] != 0x0f || (code[1] & 0xf0) != 0x80)
		return (struct instruction_jump){.bytes = 0};
	memcpy(&distance, code + 2, sizeof(distance));
	return (struct instruction_jump){6, code[1] & 0x0f, distance};
}

static bool is_in(uintptr_t addr, const struct instruction_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr >= spans[i].start && addr < spans[i].end)
			return true;
	return false;
}

bool instruction_branches_into(const uint8_t *code, size_t bytes,
			       const struct instruction_span *spans, size_t count)
{
	for (size_t i = 0; i + 2 <= bytes; i++) {
		/* jcc, jmp, loop and jrcxz by a byte, from behind: they stay in their function, and what lies before
		 * its beginning is another. There bytes that only look like one would be many. */
		bool is_short =
			((code[i] & 0xf0) == 0x70 || code[i] == 0xeb || (code[i] & 0xfc) == 0xe0) &&
			(int8_t)code[i + 1] < 0;
		/* call, jmp, and the jcc behind 0f. */
		bool is_long = (code[i] & 0xfe) == 0xe8 ||
			       (i > 0 && code[i - 1] == 0x0f && (code[i] & 0xf0) == 0x80);

		if (is_short &&
		    is_in((uintptr_t)(code + i + 2) + (uintptr_t)(int8_t)code[i + 1], spans, count))
			return true;
		if (is_long && i + 5 <= bytes) {
			int32_t distance;

			memcpy(&distance, code + i + 1, sizeof(distance));
			if (is_in((uintptr_t)(code + i + 5) + (uintptr_t)(intptr_t)distance, spans,
				  count))
				return true;
		}
	}
	return false;
}

#else

size_t instruction_movable_bytes(const uint8_t *code)
{
	(void)code;
	return 0;
}

struct instruction_jump instruction_conditional_jump(const uint8_t *code)
{
	(void)code;
	return (struct instruction_jump){.bytes = 0};
}

bool instruction_branches_into(const uint8_t *code, size_t bytes,
			       const struct instruction_span *spans, size_t count)
{
	(void)code;
	(void)bytes;
	(void)spans;
	(void)count;
	return true;
}

#endif
