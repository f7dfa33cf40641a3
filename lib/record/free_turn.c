/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_turn: whose turn it is among the frees of a thread.
 *
 * The place of the sample within its row of FREE_TURN_ONE_IN frees is the upper bits of the generator's
 * state, so that from one to the next only that has to be kept. A forked child finds zeros, and
 * draws anew.
 *
 *   Runs in   the target, inside free, once in FREE_TURN_ONE_IN times
 *   Locks     none; each thread has its own
 *   Memory    20 bytes of struct thread_state
 *   Calls     gettid, once per thread
 *   Failure   none
 */
#include "lib/record/free_turn.h"

#include "lib/base/invariant.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#define RANDOM_FACTOR 6364136223846793005ull /* Knuth, The Art of Computer Programming 2, 3.3.4 */

static int32_t place_of(uint64_t random)
{
	return (int32_t)(random >> (64 - FREE_TURN_BITS));
}

bool free_turn_take_slow(struct thread_state *thread)
{
	uint64_t before = thread->free_random;

	if (before == 0) {
		/* A first row begins with this free. */
		thread->free_random = (uint64_t)sys_tid() * RANDOM_FACTOR | 1;
		thread->frees_left = place_of(thread->free_random) - 1;
		return thread->frees_left < 0 && free_turn_take_slow(thread);
	}
	thread->free_random = before * RANDOM_FACTOR + 1;
	if (thread->free_random == 0)
		thread->free_random = 1;
	/* From its place in this row to that in the next. */
	thread->frees_left =
		(int32_t)FREE_TURN_ONE_IN - 1 - place_of(before) + place_of(thread->free_random);
	INVARIANT(thread->frees_left >= 0 && thread->frees_left < 2 * (int32_t)FREE_TURN_ONE_IN,
		  thread->frees_left, before);
	return true;
}
