/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: a mutex on a futex, after Drepper, "Futexes Are Tricky" (2011), mutex 3; its word says who has
 * it, for a signal handler may jump out of who does.
 *
 *   Runs in   the target, inside malloc; the helper
 *   Locks     itself
 *   Memory    none
 *   Calls     futex when contended
 *   Failure   none; a debug build ends on a wrong order
 */
#include "lib/base/lock.h"

#include <linux/futex.h>

#include "lib/base/invariant.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

/* Bits of the orders that this thread holds; of a debug build only. The helper shares the TLS of the
 * thread that made it and must not look at it. */
static __thread uint32_t held __attribute__((tls_model("initial-exec")));

static bool is_checked(void)
{
	return INVARIANTS_ARE_CHECKED && !invariant_is_in_helper();
}

static void check_take(enum lock_order order)
{
	if (!is_checked())
		return;
	INVARIANT(held >> order == 0, held, order);
	held |= 1u << order;
}

static void note_tried(enum lock_order order)
{
	if (is_checked())
		held |= 1u << order;
}

static void check_give(enum lock_order order)
{
	/* Not held: a fork from a signal handler that interrupted us has reset it. */
	if (is_checked())
		held &= ~(1u << order);
}

void lock_note_left(void)
{
	held = 0;
}

static void wait_slow(struct lock *lock, uint32_t holder)
{
	uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);

	for (;;) {
		/* Others may wait as well, as far as we know. */
		if (state == 0 && atomic_compare_exchange_weak_explicit(
					  &lock->state, &state, holder | LOCK_IS_WAITED_FOR,
					  memory_order_acquire, memory_order_relaxed))
			return;
		if (state != 0 && ((state & LOCK_IS_WAITED_FOR) != 0 ||
				   atomic_compare_exchange_weak_explicit(
					   &lock->state, &state, state | LOCK_IS_WAITED_FOR,
					   memory_order_relaxed, memory_order_relaxed))) {
			sys_call(SYS_futex, &lock->state, FUTEX_WAIT, state | LOCK_IS_WAITED_FOR, 0,
				 0, 0);
			state = atomic_load_explicit(&lock->state, memory_order_relaxed);
		}
	}
}

void lock_reset(struct lock *lock, enum lock_order order)
{
	atomic_store_explicit(&lock->state, 0, memory_order_relaxed);
	check_give(order);
}

void lock_take(struct lock *lock, enum lock_order order, uint32_t holder)
{
	uint32_t free_state = 0;

	check_take(order);
	if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, holder,
						     memory_order_acquire, memory_order_relaxed))
		wait_slow(lock, holder);
}

bool lock_try(struct lock *lock, enum lock_order order, uint32_t holder)
{
	uint32_t free_state = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, holder,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	note_tried(order); /* cannot deadlock, so any order is right */
	return true;
}

void lock_give(struct lock *lock, enum lock_order order)
{
	check_give(order);
	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) & LOCK_IS_WAITED_FOR)
		sys_call(SYS_futex, &lock->state, FUTEX_WAKE, 1, 0, 0, 0);
}
