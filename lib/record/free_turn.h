/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_turn: whose turn it is among the frees of a thread: who frees is asked of one in
 * FREE_TURN_ONE_IN, at its cost, and not of each.
 *
 * Of each FREE_TURN_ONE_IN frees of blocks that the thread's process has allocated, one at random:
 * no rhythm of the program decides which, and no thread has many more than its share. Besides the free of
 * each block that is BLOCK_IS_ASKED, the first that a thread allocates under a stack that is new:
 * so a site with few frees has a sample, too. Programs with very many stacks have fewer of these than
 * of the others.
 */
#ifndef LIB_RECORD_FREE_TURN_H
#define LIB_RECORD_FREE_TURN_H

#include <stdbool.h>

#include "lib/record/live_block.h"
#include "lib/record/thread_state.h"

#define FREE_TURN_BITS 8
#define FREE_TURN_ONE_IN (1u << FREE_TURN_BITS)

/* When the countdown has passed 0: whether it was this free's turn. Starts it anew. It has also passed
 * when nothing had been drawn yet. */
bool free_turn_take_slow(struct thread_state *thread);

/* The hot half, for a free of this thread where nothing of the library was interrupted: false, or
 * free_turn_take_slow is to be asked. */
static inline bool free_turn_is_near(struct thread_state *thread)
{
	return __builtin_expect(--thread->frees_left < 0, 0);
}

/* Of so many blocks that a thread allocates one may be such a first one, besides FREE_TURN_FIRSTS. */
#define FREE_TURN_FIRST_IN (2 * FREE_TURN_ONE_IN)
#define FREE_TURN_FIRSTS 256u

/* Whether a block that this thread allocates under `stack` shall be BLOCK_IS_ASKED. Numbers of stacks rise:
 * what is new to the process is larger than all before. */
static inline bool free_turn_asks_first(const struct thread_state *thread, uint32_t stack)
{
	return stack > thread->newest_stack &&
	       thread->asked <=
		       FREE_TURN_FIRSTS + thread->counts[0][COUNT_ALLOCATIONS] / FREE_TURN_FIRST_IN;
}

/* Both halves. */
static inline bool free_turn_take(struct thread_state *thread, const struct live_block *block)
{
	bool is_turn = free_turn_is_near(thread) && free_turn_take_slow(thread);

	return is_turn || (block->kind & BLOCK_IS_ASKED) != 0;
}

#endif
