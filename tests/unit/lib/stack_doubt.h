/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_doubt: where our stack and libunwind's may differ, each place with its evidence.
 *
 * Every case is counted and printed by its name; a difference that has none is a mistake of ours.
 */
#ifndef TESTS_UNIT_LIB_STACK_DOUBT_H
#define TESTS_UNIT_LIB_STACK_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/options.h"
#include "tests/unit/lib/stack_shadow.h"

/* A stack as text: innermost first, with SEEP_PC_SIGNAL before a frame that was interrupted, and with
 * SEEP_PC_CUT as its end when it is cut. */
struct stack_list {
	uint64_t frames[2 * OPTIONS_STACK_DEPTH_MAX + 1];
	uint32_t count;
	bool is_cut;
	int status; /* of libunwind, when it ended */
};

#define STACK_DOUBTS(X)                                                                            \
	X(VECTOR_REGISTERS, "libunwind gives up where vector registers are saved")                 \
	X(OTHER_ROW, "libunwind takes the row of another call for an interrupted instruction's")   \
	X(JUMPING, "libunwind does not restore rsp from the register that longjmp has it in")      \
	X(INSTALLING, "libgcc is about to leave for an exception's handler")                       \
	X(SWITCHING, "inside swapcontext")                                                         \
	X(TOLD_LATE, "in a prologue that clang describes too late")                                \
	X(POPPED, "in an epilogue by gcc that has rbp in a frame which it has left")               \
	X(CRASHED, "libunwind reads a wild address")

enum stack_doubt {
	STACK_DOUBT_NONE,
#define X(name, text) STACK_DOUBT_##name,
	STACK_DOUBTS(X)
#undef X
		STACK_DOUBT_COUNT
};

extern const char *const stack_doubt_texts[];

void stack_doubt_start(void);

/* Why the unwind data of this instruction is wrong, so that nobody can tell the stack. */
enum stack_doubt stack_doubt_at(uint64_t pc);

/* Why `theirs`, by libunwind, is not `ours`. `is_confirmed`: the shadow says that ours is right.
 * `is_anywhere`: an arbitrary instruction was interrupted, of code that has this shadow. */
enum stack_doubt stack_doubt_about(const struct stack_list *ours, const struct stack_list *theirs,
				   const struct stack_shadow *shadow, bool is_confirmed,
				   bool is_anywhere);

#endif
