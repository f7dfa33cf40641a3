/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_coroutine: stacks that code switches between while its frames are live.
 *
 * A few coroutines per pool, made with makecontext. Whoever resumes one waits until it yields; a
 * coroutine may resume another one, and go on in another thread than the one it began in. Some are given
 * up in the middle: their stacks are unmapped, and the next one's is mapped at the same address, often
 * with another end. Some share one piece of memory, into which each one's stack is copied while it
 * runs, as greenlets do.
 */
#ifndef TESTS_UNIT_LIB_STACK_COROUTINE_H
#define TESTS_UNIT_LIB_STACK_COROUTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/lib/stack_shadow.h"

struct stack_coroutine_counts {
	_Atomic(uint64_t) switches;
	_Atomic(uint64_t) given_up; /* while their frames were live */
	_Atomic(uint64_t) remapped; /* at the same address after they were unmapped */
	_Atomic(uint64_t) copied;   /* in or out */
	_Atomic(uint64_t) moved;    /* went on in another thread */
};
extern struct stack_coroutine_counts stack_coroutine_found;

/* Goes on with some coroutine that is waiting, or begins one that calls `body` again and again, until it
 * yields; false when none is free. `choose` is for the choice. */
bool stack_coroutine_resume(uint32_t (*choose)(uint32_t limit), void (*body)(void));

/* Back to whoever resumed the calling coroutine. Its shadow says what happened before it went on. */
void stack_coroutine_yield(void);

/* Whether the calling code runs in a coroutine. */
bool stack_coroutine_is_here(void);

#endif
