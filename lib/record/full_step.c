/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full_step: the caller of a frame whose rule takes more than its pc, sp and bp.
 *
 * Code in assembly keeps its CFA in rbx or rax, the dynamic linker's lazy binding does, and
 * instructions of any function prologue may be odd where a signal interrupts them. What such a
 * frame needs was perhaps saved by any of the frames inside of it. So the walk begins again, here,
 * with the registers as they are, and goes through our own frames and all others outwards, a whole
 * row of the unwind table at a time. It takes some 100 ns a frame instead of 5; therefore it is
 * made for the frames that need it only, and goes on where it was when there are several.
 *
 * What a call may change is known in a frame that a signal interrupted, from its ucontext, and
 * nowhere else. Assembly that keeps its CFA in such a register across a call of its own cannot be
 * followed.
 *
 *   Runs in   the target, inside malloc, for the rare frame with an odd rule
 *   Locks     none
 *   Memory    the caller's walk, ~600 bytes of stack
 *   Calls     _dl_find_object; process_vm_readv for words outside of the frame at hand
 *   Failure   false: the stack is cut there
 */
#include "lib/record/full_step.h"

#include <ucontext.h>

#include "lib/base/options.h"
#include "lib/record/stack_words.h"

#include "lib/base/poison.h"

/* All that a trace can hold and our own frames; a walk in circles ends here. */
#define FRAMES_MAX (OPTIONS_STACK_DEPTH_MAX + 64)
/* Frames that are larger may be a mistake: the kernel reads their words. */
#define NEAR_BYTES (64u << 10)
/* Below sp a leaf function may have what it needs; psABI 3.2.2. */
#define RED_ZONE_BYTES 128u

#define KNOWN(number) (1u << (number))
#define KNOWN_ALL (KNOWN(CFI_REGISTERS) - 1)

/* Stores what the psABI has a function keep, as it is in the function that uses this. */
#define STORE_REGISTERS(values)                                                                    \
	__asm__ volatile("movq %%rbx, 24(%0)\n\t"                                                  \
			 "movq %%rbp, 48(%0)\n\t"                                                  \
			 "movq %%rsp, 56(%0)\n\t"                                                  \
			 "movq %%r12, 96(%0)\n\t"                                                  \
			 "movq %%r13, 104(%0)\n\t"                                                 \
			 "movq %%r14, 112(%0)\n\t"                                                 \
			 "movq %%r15, 120(%0)\n\t"                                                 \
			 "leaq (%%rip), %%rax\n\t"                                                 \
			 "movq %%rax, 128(%0)"                                                     \
			 :                                                                         \
			 : "r"(values)                                                             \
			 : "rax", "memory")
#define KNOWN_STORED                                                                               \
	(KNOWN(CFI_RBX) | KNOWN(CFI_RBP) | KNOWN(CFI_RSP) | KNOWN(CFI_R12) | KNOWN(CFI_R13) |      \
	 KNOWN(CFI_R14) | KNOWN(CFI_R15) | KNOWN(CFI_RETURN))

static void step_out_of_signal(struct full_walk *walk)
{
	static const uint8_t order[CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
	const ucontext_t *context = (const ucontext_t *)walk->registers.values[CFI_RSP];
	const greg_t *found = context->uc_mcontext.gregs;

	for (uint32_t number = 0; number < CFI_REGISTERS; number++)
		walk->registers.values[number] = stack_word((uint64_t)&found[order[number]]);
	walk->registers.known = KNOWN_ALL;
	walk->is_interrupted = true;
}

static bool find_cfa(struct full_walk *walk, uint64_t *cfa)
{
	const struct cfi_registers *registers = &walk->registers;

	if (walk->row.cfa_expression != NULL)
		return cfi_expression(walk->row.cfa_expression, registers, NULL, walk->room.values,
				      cfa);
	if (!cfi_registers_know(registers, walk->row.cfa_register))
		return false;
	*cfa = registers->values[walk->row.cfa_register] + (uint64_t)walk->row.cfa_offset;
	return true;
}

static bool is_within(uint64_t address, const struct cfi_registers *registers, uint64_t cfa)
{
	uint64_t low = registers->values[CFI_RSP] - RED_ZONE_BYTES;

	return address - low < cfa - low;
}

static bool read_saved(uint64_t address, const struct cfi_registers *registers, uint64_t cfa,
		       uint64_t *word)
{
	if (cfa - registers->values[CFI_RSP] > NEAR_BYTES || !is_within(address, registers, cfa))
		return stack_read_unsafe(address, word, sizeof(*word));
	*word = stack_word(address);
	return true;
}

/* What the caller had in a register, where the row tells. */
static bool find_saved(struct full_walk *walk, uint32_t place, uint64_t cfa, uint64_t *value)
{
	const struct cfi_registers *registers = &walk->registers;
	int64_t operand = walk->row.registers.operand[place];
	const uint8_t *block = (const uint8_t *)operand;
	uint64_t address;

	switch (walk->row.registers.saved[place]) {
	case CFI_IS_SAME:
		*value = place == CFI_KEPT_RSP ? cfa : registers->values[cfi_kept[place]];
		/* A return address is not anywhere by itself. */
		return place == CFI_KEPT_RSP ||
		       (place != CFI_KEPT_RETURN && cfi_registers_know(registers, cfi_kept[place]));
	case CFI_AT_OFFSET:
		return read_saved(cfa + (uint64_t)operand, registers, cfa, value);
	case CFI_IS_OFFSET:
		*value = cfa + (uint64_t)operand;
		return true;
	case CFI_IN_REGISTER:
		if (!cfi_registers_know(registers, (uint64_t)operand))
			return false;
		*value = registers->values[operand];
		return true;
	case CFI_AT_EXPRESSION:
		return cfi_expression(block, registers, &cfa, walk->room.values, &address) &&
		       read_saved(address, registers, cfa, value);
	case CFI_IS_EXPRESSION:
		return cfi_expression(block, registers, &cfa, walk->room.values, value);
	default:
		return false;
	}
}

/*
 * gcc says of its over-aligned frames (DRAP) that rbp was saved at *rbp and the others at *(rbp -
 * n), and still says so in the last two instructions, when all are restored, rbp last. Then rbp is
 * the caller's and points out of the frame.
 */
static bool has_restored(const struct cfi_kept_registers *kept,
			 const struct cfi_registers *registers, uint64_t cfa)
{
	return kept->saved[CFI_KEPT_RBP] == CFI_AT_EXPRESSION &&
	       cfi_is_at_bp((const uint8_t *)kept->operand[CFI_KEPT_RBP]) &&
	       cfi_registers_know(registers, CFI_RBP) &&
	       !is_within(registers->values[CFI_RBP], registers, cfa);
}

/* Goes from the frame that the walk stands at to its caller. */
static __attribute__((noinline)) bool step_out(struct full_walk *walk)
{
	struct cfi_registers *registers = &walk->registers;
	struct cfi_kept_registers *kept = &walk->row.registers;
	uint64_t pc = registers->values[CFI_RETURN], cfa;
	uint32_t known = 0;
	bool was_restored;

	switch (cfi_row(walk->is_interrupted ? pc : pc - 1, &walk->row, &walk->room.entry)) {
	case CFI_SIGNAL_FRAME:
		step_out_of_signal(walk);
		return true;
	case CFI_ROW:
		break;
	default:
		return false;
	}
	if (!find_cfa(walk, &cfa) || cfa % sizeof(uint64_t) != 0)
		return false;
	was_restored = has_restored(kept, registers, cfa);
	/* All from the old values: the new ones wait in the row. */
	for (uint32_t place = 0; place < CFI_KEPT; place++) {
		uint64_t value = 0;

		if (kept->saved[place] == CFI_AT_EXPRESSION && was_restored)
			kept->saved[place] = CFI_IS_SAME;
		if (find_saved(walk, place, cfa, &value))
			known |= KNOWN(cfi_kept[place]);
		kept->operand[place] = (int64_t)value;
	}
	for (uint32_t place = 0; place < CFI_KEPT; place++)
		registers->values[cfi_kept[place]] = (uint64_t)kept->operand[place];
	registers->known = known;
	walk->is_interrupted = false;
	return cfi_registers_know(registers, CFI_RETURN) && cfi_registers_know(registers, CFI_RSP);
}

static uint64_t bp_of(const struct full_walk *walk)
{
	return cfi_registers_know(&walk->registers, CFI_RBP) ? walk->registers.values[CFI_RBP]
							     : FULL_STEP_NO_BP;
}

static bool is_at(const struct full_walk *walk, const struct full_frame *frame)
{
	return walk->registers.values[CFI_RETURN] == frame->pc &&
	       walk->registers.values[CFI_RSP] == frame->sp;
}

/* Lets the walk stand where this is used, like in a frame that a signal interrupted. */
#define BEGIN(walk)                                                                                \
	do {                                                                                       \
		STORE_REGISTERS((walk)->registers.values);                                         \
		(walk)->registers.known = KNOWN_STORED;                                            \
		(walk)->is_interrupted = true;                                                     \
		(walk)->from_sp = 0;                                                               \
	} while (0)

__attribute__((noinline)) bool full_step(struct full_walk *walk, struct full_frame *frame)
{
	/* The last step is asked for again where one that was repeated had another result. */
	if (walk->from_sp != frame->sp || walk->from_pc != frame->pc) {
		uint32_t left = FRAMES_MAX;

		if (walk->from_sp == 0)
			BEGIN(walk);
		while (!is_at(walk, frame)) {
			if (left-- > 0 && step_out(walk))
				continue;
			if (walk->from_sp == 0)
				return false;
			/* It is not outside of where the last one led. */
			BEGIN(walk);
			left = FRAMES_MAX;
		}
		walk->from_sp = 0;
		/* The same words as in the trace, read in two ways. */
		if (walk->is_interrupted != frame->is_interrupted || bp_of(walk) != frame->bp ||
		    !step_out(walk))
			return false;
		walk->from_sp = frame->sp;
		walk->from_pc = frame->pc;
	}
	*frame = (struct full_frame){.pc = walk->registers.values[CFI_RETURN],
				     .sp = walk->registers.values[CFI_RSP],
				     .bp = bp_of(walk),
				     .is_interrupted = walk->is_interrupted};
	return true;
}
