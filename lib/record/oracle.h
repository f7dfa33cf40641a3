/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle: libunwind in the running program, asked for the callers of a frame one by one.
 *
 * Only --selfcheck asks it. It knows nothing of our unwind rules: of each program counter it looks
 * up, reads and interprets the unwind data anew.
 */
#ifndef LIB_RECORD_ORACLE_H
#define LIB_RECORD_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/* The registers of a frame, by their DWARF numbers; those that a call may change are 0. */
enum { ORACLE_SP = 7, ORACLE_PC = 16, ORACLE_REGISTER_COUNT = 17 };

struct oracle_registers {
	uint64_t values[ORACLE_REGISTER_COUNT];
};

/* The registers of the function in which it stands. */
#if defined(__x86_64__)
#define ORACLE_REGISTERS_HERE()                                                                    \
	({                                                                                         \
		struct oracle_registers here_ = {{0}};                                             \
		__asm__ volatile("movq %%rbx, 3*8(%0)\n\t"                                         \
				 "movq %%rbp, 6*8(%0)\n\t"                                         \
				 "movq %%rsp, 7*8(%0)\n\t"                                         \
				 "movq %%r12, 12*8(%0)\n\t"                                        \
				 "movq %%r13, 13*8(%0)\n\t"                                        \
				 "movq %%r14, 14*8(%0)\n\t"                                        \
				 "movq %%r15, 15*8(%0)\n\t"                                        \
				 "leaq 0(%%rip), %%rax\n\t"                                        \
				 "movq %%rax, 16*8(%0)"                                            \
				 :                                                                 \
				 : "r"(here_.values)                                               \
				 : "rax", "memory");                                               \
		here_;                                                                             \
	})
#else
#define ORACLE_REGISTERS_HERE() ((struct oracle_registers){{0}})
#endif

/*
 * Loads libunwind, once, before anybody asks. Allocates through our doors, and changes errno. Null,
 * or why it cannot be asked: the middle of a sentence.
 */
const char *oracle_open(void);

#define ORACLE_CURSOR_WORDS 256u /* libunwind 1.2 to 1.8 use 127 */
#define ORACLE_PAGES 64u

/* One walk. Belongs to one thread, which handles no signal from the first step to the last. */
struct oracle_walk {
	struct oracle_registers registers; /* where it started */
	uint64_t pages[ORACLE_PAGES];	   /* some that could be read */
	uint64_t cursor[ORACLE_CURSOR_WORDS];
};

struct oracle_frame {
	uint64_t pc, sp;
	bool is_interrupted; /* by a signal: pc is the instruction itself */
};

enum oracle_step {
	ORACLE_ON,
	ORACLE_END,  /* there is no caller */
	ORACLE_LOST, /* it does not know */
};

void oracle_begin(struct oracle_walk *walk, const struct oracle_registers *from);

/* Stores the caller of the frame at which the walk stands, and goes there. Reads whatever
 * libunwind wants to read if it can be read, and changes nothing. */
enum oracle_step oracle_step(struct oracle_walk *walk, struct oracle_frame *frame);

#endif
