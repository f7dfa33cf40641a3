/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_shape: which frames of a stack a person gets to see.
 *
 * A stack for people begins at the program's own frame. What lies inside it (operator new, xmalloc)
 * is folded into one line, what lies outside main or a thread's first function is left out, and of
 * a long stack the middle is.
 */
#ifndef SEEP_OUTPUT_STACK_SHAPE_H
#define SEEP_OUTPUT_STACK_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct frame;
struct report_site;

struct stack_shape {
	size_t own;		   /* the program's own frame; the wrappers are those before it */
	size_t end;		   /* one past the last frame shown */
	size_t gap_begin, gap_end; /* frames left out between; equal where none are */
};

/* `is_full`: nothing folded, nothing left out; only `own` is still found. */
struct stack_shape stack_shape_of(const struct report_site *site, bool is_full);

/* The program's own frame that allocates; null where the stack is unknown or empty. */
const struct frame *stack_own_frame(const struct report_site *site);

/* Where that lies in a library of the system: the first frame that called it and does not, which is where
 * somebody can mend something. Null where there is none. */
const struct frame *stack_caller_frame(const struct report_site *site);

#endif
