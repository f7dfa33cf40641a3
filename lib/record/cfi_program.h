/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_program: what .eh_frame says about one program counter.
 *
 * Reads the mapped sections of a loaded object: no allocation, no lock, async-signal-safe where
 * _dl_find_object is (glibc >= 2.35). Two forms of the same answer: a rule of 8 bytes for the
 * frames that nearly all are, to be kept and followed fast; and the whole row, for the others.
 */
#ifndef LIB_RECORD_CFI_PROGRAM_H
#define LIB_RECORD_CFI_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_entry.h"

enum unwind_kind {
	UNWIND_NONE = 0, /* no rule; never in a result */
	UNWIND_SP = 1,	 /* CFA = sp + cfa_offset */
	UNWIND_BP = 2,	 /* CFA = bp + cfa_offset */
	UNWIND_BP_DEREF =
		3, /* CFA = *(bp + cfa_offset), bp saved at *bp: over-aligned frames (DRAP) */
	UNWIND_SIGNAL = 4,  /* a signal frame: sp points at its ucontext */
	UNWIND_END = 5,	    /* the outermost frame: its return address is undefined */
	UNWIND_ODD = 6,	    /* of none of these kinds: it takes the row */
	UNWIND_UNKNOWN = 7, /* no unwind data for this address */
};

/* How to get from a frame to its caller. The return address is at CFA - 8. */
struct unwind_rule {
	uint8_t kind; /* enum unwind_kind */
	uint8_t saves_bp;
	int16_t bp_offset; /* the caller's bp is at CFA + bp_offset, when saves_bp */
	int32_t cfa_offset;
};

/* The rule for an instruction address (for a return address: that address - 1). */
struct unwind_rule cfi_rule(uint64_t pc);

/* The registers that a call keeps, and the return address: what a row can tell of the caller. */
#define CFI_KEPT 8u
extern const uint8_t cfi_kept[CFI_KEPT]; /* their numbers */
enum { CFI_KEPT_RBX, CFI_KEPT_RBP, CFI_KEPT_RSP, CFI_KEPT_RETURN = CFI_KEPT - 1 };

enum cfi_saved {
	CFI_IS_SAME,	   /* as in this frame; the caller's rsp is the CFA */
	CFI_IS_UNDEFINED,  /* lost */
	CFI_AT_OFFSET,	   /* at CFA + operand */
	CFI_IS_OFFSET,	   /* CFA + operand */
	CFI_IN_REGISTER,   /* in the register with number `operand` */
	CFI_AT_EXPRESSION, /* where the expression points, which begins with the CFA pushed */
	CFI_IS_EXPRESSION, /* the value of that expression */
};

/* Expressions are addresses of their length (ULEB128), which the bytes follow; all of it lies in
 * the object's .eh_frame. */
struct cfi_kept_registers {
	int64_t operand[CFI_KEPT];
	uint8_t saved[CFI_KEPT]; /* enum cfi_saved */
};

/* Whether an expression is "where rbp points" (breg6 +0), in which gcc saves rbp in over-aligned frames.
 * Byte by byte: a shorter one may end where its object does. */
static inline bool cfi_is_at_bp(const uint8_t *block)
{
	return block[0] == 2 && block[1] == 0x76 && block[2] == 0x00;
}

/* A row of the unwind table. */
struct cfi_row {
	const uint8_t *cfa_expression; /* null: the CFA is a register and an offset */
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct cfi_kept_registers registers;
};

enum cfi_found {
	CFI_NO_ENTRY,	  /* no unwind data for this address */
	CFI_BAD_ENTRY,	  /* they are damaged or newer than we are */
	CFI_SIGNAL_FRAME, /* the kernel's: the stack pointer points at a ucontext */
	CFI_ROW,
};

/* The whole row for an instruction address. `room` is memory to work in: the caller's, for on the
 * program's stack there is little. */
enum cfi_found cfi_row(uint64_t pc, struct cfi_row *row, struct cfi_entry *room);

#endif
