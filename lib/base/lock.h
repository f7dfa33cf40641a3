/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: a mutex on a futex, for the cold paths and the side table.
 *
 * Locks are taken in the order of enum lock_order, never two of the same order; a debug build
 * checks it for the calling thread. None is held while the program's code runs, and none is taken
 * for a fork: a forked child resets them and mends what a thread that it lacks was changing.
 * In a signal handler that interrupted the library only lock_try may be used.
 */
#ifndef LIB_BASE_LOCK_H
#define LIB_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum lock_order {
	LOCK_SNAPSHOT,	 /* one snapshot at a time */
	LOCK_MODULES,	 /* the module list */
	LOCK_MAPS,	 /* the table of mappings */
	LOCK_SIDE_SHARD, /* one shard of the side table */
	LOCK_ORDER_COUNT,
};

#define LOCK_IS_WAITED_FOR (1u << 31)
#define LOCK_BY_ANYBODY (1u << 30) /* where nobody asks by whom */

struct lock {
	_Atomic(uint32_t) state; /* 0: free; by whom it is held, and LOCK_IS_WAITED_FOR */
};

/* `holder`: a tid. */
void lock_take(struct lock *lock, enum lock_order order, uint32_t holder);
bool lock_try(struct lock *lock, enum lock_order order, uint32_t holder);
void lock_give(struct lock *lock, enum lock_order order);

static inline bool lock_is_held_by(const struct lock *lock, uint32_t holder)
{
	return (atomic_load_explicit(&lock->state, memory_order_relaxed) & ~LOCK_IS_WAITED_FOR) ==
	       holder;
}

/* The calling thread has jumped out of whatever it was doing with locks, and what it held has been given back. */
void lock_note_left(void);

/* In a forked child, where nobody else can hold it any more. */
void lock_reset(struct lock *lock, enum lock_order order);

#endif
