/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: a mutex on a futex, after Drepper, "Futexes Are Tricky" (2011), mutex 3.
 *
 *   Runs in   the target, inside malloc; the helper
 *   Locks     itself
 *   Memory    none
 *   Calls     futex when contended
 *   Failure   none; a debug build traps on a wrong order
 */
#include "lib/base/lock.h"

#include <linux/futex.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#ifdef SEEP_DEBUG
/* Bits of the orders that this thread holds. The helper shares the TLS of the thread that made it and
 * must not look at it. */
static __thread uint32_t held __attribute__((tls_model("initial-exec")));
static _Atomic(uint32_t) helper_tid;

void lock_note_helper(void)
{
	atomic_store(&helper_tid, sys_tid());
}

static bool is_checked(void)
{
	return atomic_load(&helper_tid) != sys_tid();
}

static void check_take(enum lock_order order)
{
	if (!is_checked())
		return;
	if (held >> order != 0)
		__builtin_trap();
	held |= 1u << order;
}

static void note_tried(enum lock_order order)
{
	if (is_checked())
		held |= 1u << order;
}

static void check_give(enum lock_order order)
{
	if (is_checked())
		held &= ~(1u << order);
}
#else
void lock_note_helper(void)
{
}

static void check_take(enum lock_order order)
{
	(void)order;
}

static void note_tried(enum lock_order order)
{
	(void)order;
}

static void check_give(enum lock_order order)
{
	(void)order;
}
#endif

static void wait_slow(struct lock *lock)
{
	while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
		sys_call(SYS_futex, &lock->state, FUTEX_WAIT, 2, 0, 0, 0);
}

void lock_take(struct lock *lock, enum lock_order order)
{
	uint32_t free_state = 0;

	check_take(order);
	if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, 1,
						     memory_order_acquire, memory_order_relaxed))
		wait_slow(lock);
}

bool lock_try(struct lock *lock, enum lock_order order)
{
	uint32_t free_state = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, 1,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	note_tried(order); /* cannot deadlock, so any order is right */
	return true;
}

void lock_give(struct lock *lock, enum lock_order order)
{
	check_give(order);
	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
		sys_call(SYS_futex, &lock->state, FUTEX_WAKE, 1, 0, 0, 0);
}
