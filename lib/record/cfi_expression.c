/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_expression: the value of a DWARF expression, in the registers of a frame.
 *
 * The stack machine of DWARF 5, section 2.5, without the operators that section 6.4.2 rules out in
 * unwind data. Linkers (the PLT), gcc (over-aligned frames), OpenSSL's assembly and glibc use about
 * ten of them; the others are here so that whoever uses one next is not cut.
 *
 * Words are read by the kernel: nothing vouches for an address that comes out of a computation, and
 * a frame that needs one is rare. Branches may go back, so operations are counted.
 *
 *   Runs in   the target, inside malloc, for the rare frame whose unwind data have expressions
 *   Locks     none
 *   Memory    the caller's stack of values
 *   Calls     process_vm_readv
 *   Failure   false: the frame cannot be followed
 */
#include "lib/record/cfi_expression.h"

#include "lib/record/cfi_cursor.h"
#include "lib/record/stack_words.h"

#include "lib/base/poison.h"

#define OPERATIONS_MAX 256
#define WORD_BITS 64

/* DWARF 5, table 7.9. */
enum operation {
	OPERATOR_ADDR = 0x03,
	OPERATOR_DEREF = 0x06,
	OPERATOR_CONST1U = 0x08,
	OPERATOR_CONST1S = 0x09,
	OPERATOR_CONST2U = 0x0a,
	OPERATOR_CONST2S = 0x0b,
	OPERATOR_CONST4U = 0x0c,
	OPERATOR_CONST4S = 0x0d,
	OPERATOR_CONST8U = 0x0e,
	OPERATOR_CONST8S = 0x0f,
	OPERATOR_CONSTU = 0x10,
	OPERATOR_CONSTS = 0x11,
	OPERATOR_DUP = 0x12,
	OPERATOR_DROP = 0x13,
	OPERATOR_OVER = 0x14,
	OPERATOR_PICK = 0x15,
	OPERATOR_SWAP = 0x16,
	OPERATOR_ROT = 0x17,
	OPERATOR_ABS = 0x19,
	OPERATOR_AND = 0x1a,
	OPERATOR_DIV = 0x1b,
	OPERATOR_MINUS = 0x1c,
	OPERATOR_MOD = 0x1d,
	OPERATOR_MUL = 0x1e,
	OPERATOR_NEG = 0x1f,
	OPERATOR_NOT = 0x20,
	OPERATOR_OR = 0x21,
	OPERATOR_PLUS = 0x22,
	OPERATOR_PLUS_UCONST = 0x23,
	OPERATOR_SHL = 0x24,
	OPERATOR_SHR = 0x25,
	OPERATOR_SHRA = 0x26,
	OPERATOR_XOR = 0x27,
	OPERATOR_BRA = 0x28,
	OPERATOR_EQ = 0x29,
	OPERATOR_GE = 0x2a,
	OPERATOR_GT = 0x2b,
	OPERATOR_LE = 0x2c,
	OPERATOR_LT = 0x2d,
	OPERATOR_NE = 0x2e,
	OPERATOR_SKIP = 0x2f,
	OPERATOR_LIT0 = 0x30,
	OPERATOR_LIT31 = 0x4f,
	OPERATOR_BREG0 = 0x70,
	OPERATOR_BREG31 = 0x8f,
	OPERATOR_BREGX = 0x92,
	OPERATOR_DEREF_SIZE = 0x94,
	OPERATOR_NOP = 0x96,
};

struct machine {
	const struct cfi_registers *registers;
	const uint8_t *start;
	struct cfi_cursor cursor;
	uint32_t depth;
	uint64_t *stack; /* of CFI_EXPRESSION_DEPTH */
};

static bool push(struct machine *machine, uint64_t value)
{
	if (machine->depth == CFI_EXPRESSION_DEPTH)
		return false;
	machine->stack[machine->depth++] = value;
	return true;
}

/* The n-th value from the top: of those that the operator takes. */
static uint64_t *top(struct machine *machine, uint32_t n)
{
	return &machine->stack[machine->depth - 1 - n];
}

static bool push_register(struct machine *machine, uint64_t number)
{
	int64_t offset = cfi_cursor_sleb(&machine->cursor);

	return cfi_registers_know(machine->registers, number) &&
	       push(machine, machine->registers->values[number] + (uint64_t)offset);
}

static bool push_pick(struct machine *machine, uint32_t n)
{
	return n < machine->depth && push(machine, *top(machine, n));
}

static bool read_memory(struct machine *machine, uint32_t bytes)
{
	uint64_t word = 0;

	if (bytes == 0 || bytes > sizeof(word) ||
	    !stack_read_unsafe(*top(machine, 0), &word, bytes))
		return false;
	*top(machine, 0) = word;
	return true;
}

static bool jump(struct machine *machine, int16_t distance)
{
	struct cfi_cursor *cursor = &machine->cursor;

	if (distance < machine->start - cursor->next || distance > cursor->end - cursor->next)
		return false;
	cursor->next += distance;
	return true;
}

/* Operators that put one value in the place of two. */
static bool combine(enum operation operation, uint64_t a, uint64_t b, uint64_t *result)
{
	int64_t signed_a = (int64_t)a, signed_b = (int64_t)b;

	switch (operation) {
	case OPERATOR_AND:
		*result = a & b;
		return true;
	case OPERATOR_DIV:
		/* The one quotient that does not fit is what wrapping around gives. */
		if (b != 0)
			*result = signed_b == -1 ? -a : (uint64_t)(signed_a / signed_b);
		return b != 0;
	case OPERATOR_MINUS:
		*result = a - b;
		return true;
	case OPERATOR_MOD:
		if (b != 0)
			*result = a % b;
		return b != 0;
	case OPERATOR_MUL:
		*result = a * b;
		return true;
	case OPERATOR_OR:
		*result = a | b;
		return true;
	case OPERATOR_PLUS:
		*result = a + b;
		return true;
	case OPERATOR_SHL:
		*result = b < WORD_BITS ? a << b : 0;
		return true;
	case OPERATOR_SHR:
		*result = b < WORD_BITS ? a >> b : 0;
		return true;
	case OPERATOR_SHRA:
		*result = (uint64_t)(signed_a >> (b < WORD_BITS ? b : WORD_BITS - 1));
		return true;
	case OPERATOR_XOR:
		*result = a ^ b;
		return true;
	case OPERATOR_EQ:
		*result = a == b;
		return true;
	case OPERATOR_GE:
		*result = signed_a >= signed_b;
		return true;
	case OPERATOR_GT:
		*result = signed_a > signed_b;
		return true;
	case OPERATOR_LE:
		*result = signed_a <= signed_b;
		return true;
	case OPERATOR_LT:
		*result = signed_a < signed_b;
		return true;
	case OPERATOR_NE:
		*result = a != b;
		return true;
	default:
		return false;
	}
}

/* How many values an operator takes from the stack. */
static uint32_t taken_by(uint8_t operation)
{
	switch (operation) {
	case OPERATOR_DEREF:
	case OPERATOR_DEREF_SIZE:
	case OPERATOR_DUP:
	case OPERATOR_DROP:
	case OPERATOR_ABS:
	case OPERATOR_NEG:
	case OPERATOR_NOT:
	case OPERATOR_PLUS_UCONST:
	case OPERATOR_BRA:
		return 1;
	case OPERATOR_OVER:
	case OPERATOR_SWAP:
	case OPERATOR_AND:
	case OPERATOR_DIV:
	case OPERATOR_MINUS:
	case OPERATOR_MOD:
	case OPERATOR_MUL:
	case OPERATOR_OR:
	case OPERATOR_PLUS:
	case OPERATOR_SHL:
	case OPERATOR_SHR:
	case OPERATOR_SHRA:
	case OPERATOR_XOR:
	case OPERATOR_EQ:
	case OPERATOR_GE:
	case OPERATOR_GT:
	case OPERATOR_LE:
	case OPERATOR_LT:
	case OPERATOR_NE:
		return 2;
	case OPERATOR_ROT:
		return 3;
	default:
		return 0;
	}
}

static bool operate(struct machine *machine)
{
	struct cfi_cursor *cursor = &machine->cursor;
	uint8_t operation = cfi_cursor_byte(cursor);
	uint64_t word;
	int16_t distance;

	if (machine->depth < taken_by(operation))
		return false;
	if (operation >= OPERATOR_LIT0 && operation <= OPERATOR_LIT31)
		return push(machine, operation - OPERATOR_LIT0);
	if (operation >= OPERATOR_BREG0 && operation <= OPERATOR_BREG31)
		return push_register(machine, operation - OPERATOR_BREG0);
	switch (operation) {
	case OPERATOR_NOP:
		return true;
	case OPERATOR_ADDR:
	case OPERATOR_CONST8U:
	case OPERATOR_CONST8S:
		return push(machine, CFI_CURSOR_AS(uint64_t, cursor));
	case OPERATOR_CONST1U:
		return push(machine, cfi_cursor_byte(cursor));
	case OPERATOR_CONST1S:
		return push(machine, (uint64_t)(int64_t)CFI_CURSOR_AS(int8_t, cursor));
	case OPERATOR_CONST2U:
		return push(machine, CFI_CURSOR_AS(uint16_t, cursor));
	case OPERATOR_CONST2S:
		return push(machine, (uint64_t)(int64_t)CFI_CURSOR_AS(int16_t, cursor));
	case OPERATOR_CONST4U:
		return push(machine, CFI_CURSOR_AS(uint32_t, cursor));
	case OPERATOR_CONST4S:
		return push(machine, (uint64_t)(int64_t)CFI_CURSOR_AS(int32_t, cursor));
	case OPERATOR_CONSTU:
		return push(machine, cfi_cursor_uleb(cursor));
	case OPERATOR_CONSTS:
		return push(machine, (uint64_t)cfi_cursor_sleb(cursor));
	case OPERATOR_BREGX:
		return push_register(machine, cfi_cursor_uleb(cursor));
	case OPERATOR_DUP:
		return push_pick(machine, 0);
	case OPERATOR_OVER:
		return push_pick(machine, 1);
	case OPERATOR_PICK:
		return push_pick(machine, cfi_cursor_byte(cursor));
	case OPERATOR_DROP:
		machine->depth--;
		return true;
	case OPERATOR_SWAP:
		word = *top(machine, 0);
		*top(machine, 0) = *top(machine, 1);
		*top(machine, 1) = word;
		return true;
	case OPERATOR_ROT:
		word = *top(machine, 0);
		*top(machine, 0) = *top(machine, 1);
		*top(machine, 1) = *top(machine, 2);
		*top(machine, 2) = word;
		return true;
	case OPERATOR_DEREF:
		return read_memory(machine, sizeof(word));
	case OPERATOR_DEREF_SIZE:
		return read_memory(machine, cfi_cursor_byte(cursor));
	case OPERATOR_ABS:
		if ((int64_t)*top(machine, 0) < 0)
			*top(machine, 0) = -*top(machine, 0);
		return true;
	case OPERATOR_NEG:
		*top(machine, 0) = -*top(machine, 0);
		return true;
	case OPERATOR_NOT:
		*top(machine, 0) = ~*top(machine, 0);
		return true;
	case OPERATOR_PLUS_UCONST:
		*top(machine, 0) += cfi_cursor_uleb(cursor);
		return true;
	case OPERATOR_SKIP:
		distance = CFI_CURSOR_AS(int16_t, cursor);
		return jump(machine, distance);
	case OPERATOR_BRA:
		distance = CFI_CURSOR_AS(int16_t, cursor);
		return machine->stack[--machine->depth] == 0 || jump(machine, distance);
	default:
		if (taken_by(operation) != 2)
			return false;
		word = machine->stack[--machine->depth];
		return combine(operation, *top(machine, 0), word, top(machine, 0));
	}
}

bool cfi_expression(const uint8_t *block, const struct cfi_registers *registers,
		    const uint64_t *cfa, uint64_t *room, uint64_t *value)
{
	struct cfi_cursor length = {.next = block, .end = block + 10}; /* as read before */
	uint64_t bytes = cfi_cursor_uleb(&length);
	struct machine machine;

	machine.registers = registers;
	machine.start = length.next;
	machine.cursor = (struct cfi_cursor){.next = length.next, .end = length.next + bytes};
	machine.depth = 0;
	machine.stack = room;
	if (cfa != NULL)
		push(&machine, *cfa);
	for (uint32_t count = 0; machine.cursor.next < machine.cursor.end; count++)
		if (count == OPERATIONS_MAX || !operate(&machine) || machine.cursor.is_bad)
			return false;
	if (machine.depth == 0)
		return false;
	*value = *top(&machine, 0);
	return true;
}
