/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_program: what .eh_frame says about one program counter.
 *
 * Reads the mapped sections of a loaded object: no allocation, no lock, async-signal-safe where
 * _dl_find_object is (glibc >= 2.35).
 */
#ifndef LIB_RECORD_CFI_PROGRAM_H
#define LIB_RECORD_CFI_PROGRAM_H

#include <stdint.h>

enum unwind_kind {
	UNWIND_NONE = 0, /* no rule; never in a result */
	UNWIND_SP = 1,	 /* CFA = sp + cfa_offset */
	UNWIND_BP = 2,	 /* CFA = bp + cfa_offset */
	UNWIND_BP_DEREF =
		3, /* CFA = *(bp + cfa_offset), bp saved at *bp: over-aligned frames (DRAP) */
	UNWIND_SIGNAL = 4,  /* a signal frame: sp points at its ucontext */
	UNWIND_END = 5,	    /* the outermost frame: its return address is undefined */
	UNWIND_ODD = 6,	    /* there is a rule, but of none of these kinds */
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

#endif
