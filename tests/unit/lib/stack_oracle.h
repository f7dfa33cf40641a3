/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_oracle: whether our stack is the right one.
 *
 * Two witnesses, and neither knows of the other: libunwind walks the whole stack each time, and the
 * shadow (stack_shadow) knows which functions are on it. A capture is right when it equals both.
 */
#ifndef TESTS_UNIT_LIB_STACK_ORACLE_H
#define TESTS_UNIT_LIB_STACK_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/stack_capture.h"
#include "tests/unit/lib/stack_doubt.h"
#include "tests/unit/lib/stack_shadow.h"

/* UNW_LOCAL_ONLY is for libunwind.h. */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define STACK_ORACLE_BUILDS 40u
#define STACK_ORACLE_NO_BUILD (STACK_ORACLE_BUILDS - 1) /* a capture outside of the maze */

/* What has been found since stack_oracle_start, by all threads. */
struct stack_oracle_counts {
	_Atomic(uint64_t) captures, frames, mistakes;
	_Atomic(uint64_t) shadows; /* captures that the shadow has confirmed too */
	_Atomic(uint64_t) anew; /* stacks that were captured a second time without a last trace */
	_Atomic(uint64_t) by_doubt[STACK_DOUBT_COUNT];
	_Atomic(uint64_t) by_feature[STACK_FEATURE_COUNT];
	_Atomic(uint64_t) by_build[STACK_ORACLE_BUILDS];
};
extern struct stack_oracle_counts stack_oracle_found;

/* Mistakes are only counted: for a test that makes some. */
extern bool stack_oracle_is_silent;

/* How many frames are kept, in the calling thread. */
extern __thread uint32_t stack_oracle_depth;

void stack_oracle_start(void);

/* Captures the stack of the caller and compares. `build` is the number of the build of the maze that it
 * was called from. */
void stack_oracle_look(uint32_t build, enum stack_feature feature);

/* Where the thread's last look came from: two of the same state are where a last trace is re-used. */
extern __thread struct caller stack_oracle_caller;

/* Takes a frame out of what the thread's next capture re-uses: the one that many frames outwards. */
void stack_oracle_spoil_last(uint32_t outwards);

/* The same in two parts: what our library says of the caller's stack, and whether it is right. */
struct stack_oracle_case {
	unw_cursor_t *cursor;		   /* at the caller's frame */
	const struct stack_shadow *shadow; /* has to confirm it; null: there is none */
	uint32_t build;
	enum stack_feature feature;
	bool is_anywhere; /* in the code that the shadow knows, at an arbitrary instruction of it:
			   * its rule may be of a kind that we do not follow, and then the stack
			   * is cut there; the shadow knows only the frames further out */
};
void stack_oracle_capture(struct stack_list *ours, struct caller caller);
void stack_oracle_compare(const struct stack_list *ours, const struct stack_oracle_case *with);

/* Where libunwind itself has crashed: then the shadow is the only witness. */
void stack_oracle_compare_after_crash(const struct stack_list *ours,
				      const struct stack_oracle_case *with);

/* The stack outside of the shadow's first frame, as libunwind sees it: call in the function that enters
 * it first. */
void stack_oracle_note_base(struct stack_shadow *shadow);

/* Sets the cursor at the frame that called the function in which *context was taken. */
void stack_oracle_go_to_caller(unw_cursor_t *cursor, unw_context_t *context);

/* The rest of the cursor's stack, its own frame included. */
void stack_oracle_walk(unw_cursor_t *cursor, struct stack_list *stack, uint32_t depth);
void stack_oracle_show(const char *whose, const struct stack_list *stack);

/* Prints what has been found; with each feature and build when the long form runs. */
void stack_oracle_report(const char *what, const char *const *builds, uint32_t build_count);

/* Whether each of these features has been met, a bit each; names those that have not. */
bool stack_oracle_has_met(uint64_t features);

/* True when the environment wants the long form: SEEP_TEST_FULL. */
bool stack_oracle_is_full(void);

#endif
