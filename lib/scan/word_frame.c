/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word_frame: in the frame of which function a word of a stopped thread's stack lies.
 *
 * A frame reaches from its stack pointer up to that of its caller. So the stack is walked by the rules of
 * record/unwind_rules until one ends above the word. A walk is begun anew for each word: only those are
 * asked about that hold a block of a sample. A register that a frame has saved is of the function outside of
 * it, which has the pointer in its hands. What lies in a frame of libc's, where a thread waits, is said of the
 * function of the program that has called it. What takes more registers than pc, sp and bp, or has no rule,
 * ends it: a frame that is not named is better than one that is named wrongly.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none; rules may be added to the copy's table
 *   Calls     _dl_find_object
 *   Failure   0: not known
 */
#include "lib/scan/word_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#include "lib/base/text.h"
#include "lib/record/cfi_program.h"
#include "lib/record/module_list.h"
#include "lib/record/unwind_rules.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define FRAMES_MAX 16384u
/* Over all words: some tenths of a second. */
#define STEPS_MAX (8u << 20)

/* Of this copy; that of the program is never touched. */
static uint32_t steps_left = STEPS_MAX;

struct frame {
	uint64_t pc, sp, bp;
	bool is_interrupted; /* pc is no return address */
};

static bool read_word(const struct word_frame_thread *thread, uint64_t address, uint64_t *word)
{
	if (address < thread->start || address >= thread->end || thread->end - address < 8 ||
	    address % 8 != 0)
		return false;
	*word = *(const uint64_t *)address;
	return true;
}

static bool step_out_of_signal(const struct word_frame_thread *thread, struct frame *frame)
{
	uint64_t registers = frame->sp + offsetof(ucontext_t, uc_mcontext.gregs);
	uint64_t sp;

	if (!read_word(thread, registers + REG_RIP * sizeof(greg_t), &frame->pc) ||
	    !read_word(thread, registers + REG_RBP * sizeof(greg_t), &frame->bp) ||
	    !read_word(thread, registers + REG_RSP * sizeof(greg_t), &sp) || sp <= frame->sp)
		return false;
	frame->sp = sp;
	frame->is_interrupted = true;
	return true;
}

/* Puts the frame that called in the place of *frame. False where it cannot be told. */
static bool step_out(const struct word_frame_thread *thread, struct frame *frame, uint32_t unloads)
{
	struct unwind_rule rule = unwind_rule_of(frame->pc - !frame->is_interrupted, unloads);
	uint64_t cfa, bp_at = 0;

	switch (rule.kind) {
	case UNWIND_SP:
		cfa = frame->sp + (uint64_t)(int64_t)rule.cfa_offset;
		break;
	case UNWIND_BP:
		cfa = frame->bp + (uint64_t)(int64_t)rule.cfa_offset;
		break;
	case UNWIND_BP_DEREF:
		bp_at = frame->bp;
		if (!read_word(thread, frame->bp + (uint64_t)(int64_t)rule.cfa_offset, &cfa))
			return false;
		break;
	case UNWIND_SIGNAL:
		return step_out_of_signal(thread, frame);
	default:
		return false;
	}
	if (rule.kind != UNWIND_SP && frame->bp == 0)
		return false;
	if (rule.kind != UNWIND_BP_DEREF && rule.saves_bp)
		bp_at = cfa + (uint64_t)(int64_t)rule.bp_offset;
	if (cfa <= frame->sp || !read_word(thread, cfa - 8, &frame->pc) ||
	    (bp_at != 0 && !read_word(thread, bp_at, &frame->bp)))
		return false;
	frame->sp = cfa;
	frame->is_interrupted = false;
	return frame->pc >= SEEP_PC_LIMIT;
}

/* Whether a frame that ends at `cfa` has saved a register there. What is in it is its caller's. */
static bool is_saved_register(const struct frame *frame, uint64_t cfa, uint64_t address)
{
	struct cfi_entry room;
	struct cfi_row row;

	if (cfi_row(frame->pc - !frame->is_interrupted, &row, &room) != CFI_ROW)
		return false;
	for (uint32_t i = 0; i < CFI_KEPT; i++)
		if (row.registers.saved[i] == CFI_AT_OFFSET &&
		    cfa + (uint64_t)row.registers.operand[i] == address)
			return true;
	return false;
}

/* Readers take one off to get into the call. */
static uint64_t return_address_of(const struct frame *frame)
{
	return frame->pc + frame->is_interrupted;
}

/* Whether it is code of libc, of the dynamic linker or our own. */
static bool is_of_runtime(uint64_t pc)
{
	static const char *const names[] = {"libc.so", "libc-2", "libpthread", "ld-linux", "ld-2"};

	for (uint32_t id = 0; id < module_list_count(); id++) {
		const struct loaded_module *module = module_list_at(id);
		const char *base = module->path;

		if (module->unloaded_epoch != 0 || pc < module->start || pc >= module->end)
			continue;
		for (const char *at = base; *at != 0; at++)
			base = *at == '/' ? at + 1 : base;
		for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (text_begins_with(base, names[i]))
				return true;
		/* A program that we are linked into is a test. */
		return (module->flags & (SEEP_MODULE_IS_LIBSEEP | SEEP_MODULE_IS_EXECUTABLE)) ==
		       SEEP_MODULE_IS_LIBSEEP;
	}
	return false;
}

uint64_t word_frame_pc(const struct word_frame_thread *thread, uint64_t address)
{
	uint32_t unloads = atomic_load_explicit(&module_list_unloads, memory_order_acquire);
	struct frame frame = {.pc = thread->pc, .sp = thread->sp, .bp = thread->bp, true};
	uint64_t innermost = 0;

	if (frame.pc < SEEP_PC_LIMIT)
		return 0;
	for (uint32_t i = 0; i < FRAMES_MAX && steps_left > 0; i++, steps_left--) {
		struct frame caller = frame;
		bool is_met = innermost != 0;

		/* The outermost frame has no end. */
		if (!step_out(thread, &caller, unloads))
			break;
		if (!is_met && address < caller.sp) {
			is_met = !is_saved_register(&frame, caller.sp, address);
			innermost = return_address_of(is_met ? &frame : &caller);
		}
		if (is_met && !is_of_runtime(frame.pc))
			return return_address_of(&frame);
		frame = caller;
	}
	return innermost;
}
