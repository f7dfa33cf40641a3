/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_stack: stacks as plain lists of program counters, innermost first, for tests of what the
 * library keeps as a trace.
 */
#ifndef TESTS_SUPPORT_LIB_STACK_H
#define TESTS_SUPPORT_LIB_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/call_tree.h"
#include "lib/record/stack_capture.h"

/* Captures into *trace, re-using what is in it, and lists the result: with SEEP_PC_SIGNAL before a
 * frame that a signal interrupted and SEEP_PC_CUT at the end of a stack that is cut. Returns how
 * many were stored; `frames` has room for twice the depth and one more. */
uint32_t lib_stack_capture(struct stack_trace *trace, struct caller caller, uint64_t *frames,
			   uint32_t depth, bool *is_cut);

/* The id of a stack given as such a list. */
uint32_t lib_stack_id(const uint64_t *frames, uint32_t count);

#endif
