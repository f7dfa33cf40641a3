/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_counters: how often each stack has allocated, and how many bytes, since the start.
 *
 * The hot path adds to a small cache of the thread (site_delta); an entry that has to make room
 * goes, by way of a few that wait, to the shared counters with two atomic additions. A snapshot adds
 * all of them up. So a busy site costs no shared write, and the memory does not grow with threads
 * times sites.
 */
#ifndef LIB_RECORD_SITE_COUNTERS_H
#define LIB_RECORD_SITE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/call_tree.h"
#include "lib/record/thread_state.h"

#define SITE_DELTA_MAX 64u
/* What a snapshot that is taken meanwhile may miss of a thread's site at most. */
#define SITE_MISSED_MAX ((SITE_LEAVING + 1) * SITE_DELTA_MAX)

void site_counters_flush_slow(struct thread_state *thread, struct site_delta *delta);

/* For the thread itself, where nothing of the library was interrupted. True: its cache did not have the
 * stack, which may be new. */
static inline bool site_counters_add_own(struct thread_state *thread, uint32_t stack,
					 uint64_t bytes)
{
	struct site_delta *delta = &thread->deltas[stack % SITE_CACHE_SLOTS];
	bool is_missing = false;

	if (__builtin_expect(delta->stack != stack || delta->allocations == SITE_DELTA_MAX, 0)) {
		is_missing = true;
		if (delta->stack != 0)
			site_counters_flush_slow(thread, delta);
		delta->stack = stack;
	}
	delta->allocations++;
	delta->bytes += bytes;
	return is_missing;
}

static inline void site_counters_add(const struct guard *guard, uint32_t stack, uint64_t bytes)
{
	if (__builtin_expect(guard->is_nested, 0)) {
		struct site_counters *shared = call_tree_counters(stack);

		__atomic_fetch_add(&shared->allocations, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&shared->allocated_bytes, bytes, __ATOMIC_RELAXED);
		return;
	}
	site_counters_add_own(guard->thread, stack, bytes);
}

/* Adds up what is shared and what the caches of all threads hold into `sums`, an array with an
 * entry for each stack id below `count`. For whoever takes a snapshot. While threads go on, an
 * entry that moves from cache to counters may be missed, never counted twice. */
void site_counters_sum(struct site_counters *sums, uint32_t count);

/* Of a debug build, while nobody allocates: each entry lies in its place. */
void site_counters_verify(void);

#endif
