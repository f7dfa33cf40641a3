/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full_step: the caller of a frame whose rule takes more than its pc, sp and bp.
 */
#ifndef LIB_RECORD_FULL_STEP_H
#define LIB_RECORD_FULL_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_expression.h"
#include "lib/record/cfi_program.h"

/* How far the stack of this capture has been walked with all registers, and room to do it in. Zero
 * the first word at the beginning of each capture: what is inside of the program's frames changes
 * with the next call. */
struct full_walk {
	uint64_t from_sp, from_pc; /* the frame that the last full step was made from; 0: none */
	struct cfi_registers registers;
	bool is_interrupted; /* the frame that the walk stands at was, by a signal */
	struct cfi_row row;
	union {
		struct cfi_entry entry;
		uint64_t values[CFI_EXPRESSION_DEPTH];
	} room;
};

/* A frame as rules see it. */
struct full_frame {
	uint64_t pc, sp, bp;
	bool is_interrupted; /* by a signal: pc is no return address */
};

/* The bp of a frame where nobody knows it: no rule takes it for an address. */
#define FULL_STEP_NO_BP 1u

/*
 * Finds the frame that called *frame, a frame of the calling thread's present stack, and puts it in
 * its place. False when that cannot be told. The caller depends on registers that frames inside of
 * *frame have saved: it is never right because *frame is the same as before, only because the step
 * was made again.
 */
bool full_step(struct full_walk *walk, struct full_frame *frame);

#endif
