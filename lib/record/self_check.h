/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check: --selfcheck, captured stacks compared with libunwind's in the running program.
 *
 * One capture in N, at random distances, so that no rhythm of the program decides which. Whatever
 * is found is counted; what differs is kept with both stacks, and they are nodes of the call tree
 * like all others.
 */
#ifndef LIB_RECORD_SELF_CHECK_H
#define LIB_RECORD_SELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/options.h"
#include "lib/record/oracle.h"
#include "lib/record/stack_capture.h"

enum self_check_outcome {
	SELF_CHECK_EQUAL,
	SELF_CHECK_DIFFERENT, /* another frame; or whole for one, and not for the other */
	SELF_CHECK_GAVE_UP,   /* equal as far as libunwind knows; it cannot say where we go on */
	SELF_CHECK_CUT, /* equal as far as we know; we say that it is cut, libunwind goes on */
	SELF_CHECK_OUTCOMES
};

#define SELF_CHECK_DIFFERENCES_MAX 32u

/* The same two stacks, as often as they were met. */
struct self_check_difference {
	uint32_t ours, libunwinds; /* stacks, as the call tree numbers them */
	uint32_t thread_id;	   /* where it was met first */
	uint64_t count;
};

enum self_check_state {
	SELF_CHECK_HAS_NO_LIBUNWIND, /* not started, or it could not be opened */
	SELF_CHECK_AT_WORK,
	SELF_CHECK_OVER, /* a fork has left libunwind's locks taken by threads that are not here */
};

struct self_check_results {
	enum self_check_state state;
	uint64_t outcomes[SELF_CHECK_OUTCOMES];
	uint64_t skipped; /* their turn came, and nobody could be asked */
	uint32_t difference_count;
	struct self_check_difference differences[SELF_CHECK_DIFFERENCES_MAX]; /* the first ones */
};

/* For a program that runs with options.selfcheck_one_in. Null, or why nothing will be checked: the
 * middle of a sentence. */
const char *self_check_start(void);

void self_check_slow(const struct stack_trace *trace, struct caller caller, uint32_t stack,
		     uint64_t pseudo_pc);

/* After a capture from `caller` that became the stack `stack`. The trace is that of the calling
 * thread, and the guard is held: what libunwind allocates meanwhile is nested. */
static inline void self_check(const struct stack_trace *trace, struct caller caller, uint32_t stack,
			      uint64_t pseudo_pc)
{
	if (__builtin_expect(options.selfcheck_one_in != 0, 0))
		self_check_slow(trace, caller, stack, pseudo_pc);
}

/* Is this thread in the middle of opening or asking libunwind? Then what comes in through the doors
 * is not the program's. */
extern __thread bool self_check_is_asking
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What has been found so far, in this process since its start or fork. Equal results are equal in
 * every byte. */
void self_check_read(struct self_check_results *results);

void self_check_postfork_child(void);

/* What two walks from the same frame come to. `depth` is how many frames ours may have; `end` is
 * what libunwind said after its outermost frame, ORACLE_ON when it was not asked for more. */
enum self_check_outcome self_check_compare(const struct stack_trace *ours, uint32_t depth,
					   const struct stack_trace *libunwinds,
					   enum oracle_step end);

#endif
