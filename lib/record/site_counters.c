/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_counters: how often each stack has allocated, and how many bytes, since the start.
 *
 *   Runs in   the target, inside malloc; site_counters_sum in whoever takes a snapshot
 *   Locks     none; a sequence per thread tells a reader that an entry is on its way
 *   Memory    the caches in struct thread_state, the counters beside the call tree
 *   Calls     sched_yield while a reader waits for a moving entry
 *   Failure   an entry in flight when the process is killed may be missing from the sum
 */
#include "lib/record/site_counters.h"

#include "lib/base/invariant.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

/* A thread is between the two ends of a flush for nanoseconds, unless it was preempted there or
 * killed; then its numbers are taken as they are. */
#define READ_ATTEMPTS 100

static void begin_move(struct thread_state *thread, uint32_t stack)
{
	uint32_t before = atomic_load_explicit(&thread->flush_sequence, memory_order_relaxed);

	INVARIANT((before & 1) == 0, before, stack);
	__atomic_store_n(&thread->flush_stack, stack, __ATOMIC_RELAXED);
	atomic_store_explicit(&thread->flush_sequence, before + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void end_move(struct thread_state *thread)
{
	uint32_t before = atomic_load_explicit(&thread->flush_sequence, memory_order_relaxed);

	/* Even also when it was already: a signal handler has forked in between, and this is the child. */
	INVARIANT((before & 1) != 0 || before == 0, before, thread->owner_tid);
	atomic_store_explicit(&thread->flush_sequence, (before + 1) & ~1u, memory_order_release);
}

/* The counters of a site that has to make room are not in the processor's caches any more. They are
 * asked for, and the entry waits its turn among those that leave. */
void __attribute__((noinline))
site_counters_flush_slow(struct thread_state *thread, struct site_delta *delta)
{
	struct site_delta *oldest = &thread->leaving[thread->leaving_next++ % SITE_LEAVING];
	struct site_counters *shared = call_tree_counters(oldest->stack);

	__builtin_prefetch(call_tree_counters(delta->stack), 1);
	if (oldest->stack != 0) {
		begin_move(thread, oldest->stack);
		__atomic_fetch_add(&shared->allocations, oldest->allocations, __ATOMIC_RELAXED);
		__atomic_fetch_add(&shared->allocated_bytes, oldest->bytes, __ATOMIC_RELAXED);
		*oldest = (struct site_delta){0};
		end_move(thread);
	}
	begin_move(thread, delta->stack);
	*oldest = *delta;
	*delta = (struct site_delta){0};
	end_move(thread);
}

/* Copies an entry; false while it goes on moving. */
static bool read_delta(const struct thread_state *thread, const struct site_delta *delta,
		       struct site_delta *copy)
{
	uint32_t before = 0, after = 0;

	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		before = atomic_load_explicit(&thread->flush_sequence, memory_order_acquire);
		*copy = *delta;
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&thread->flush_sequence, memory_order_relaxed);
		if (before == after && (before & 1) == 0)
			return true;
		if (attempt % 8 == 7)
			sys_call(SYS_sched_yield);
	}
	/* Stopped in the middle of moving an entry, perhaps for good: the others stand still. The one
	 * that moves may be in the shared counters already. */
	return before == after &&
	       copy->stack != __atomic_load_n(&thread->flush_stack, __ATOMIC_RELAXED);
}

static void sum_deltas(const struct thread_state *thread, const struct site_delta *deltas,
		       uint32_t delta_count, struct site_counters *sums, uint32_t count)
{
	for (uint32_t i = 0; i < delta_count; i++) {
		struct site_delta delta;

		if (!read_delta(thread, &deltas[i], &delta) || delta.stack == 0 ||
		    delta.stack >= count)
			continue;
		sums[delta.stack].allocations += delta.allocations;
		sums[delta.stack].allocated_bytes += delta.bytes;
	}
}

void site_counters_sum(struct site_counters *sums, uint32_t count)
{
	uint32_t threads = thread_state_count();

	for (uint32_t stack = 1; stack < count; stack++) {
		const struct site_counters *shared = call_tree_counters(stack);

		sums[stack].allocations += __atomic_load_n(&shared->allocations, __ATOMIC_RELAXED);
		sums[stack].allocated_bytes +=
			__atomic_load_n(&shared->allocated_bytes, __ATOMIC_RELAXED);
	}
	/* Against the direction in which entries move, so that none is seen twice: see the header. */
	atomic_thread_fence(memory_order_acquire);
	for (uint32_t i = 0; i < threads; i++) {
		const struct thread_state *thread = thread_state_at(i);

		if (thread == NULL)
			continue;
		sum_deltas(thread, thread->leaving, SITE_LEAVING, sums, count);
		sum_deltas(thread, thread->deltas, SITE_CACHE_SLOTS, sums, count);
	}
}

void site_counters_verify(void)
{
	uint32_t count = call_tree_count();

	for (uint32_t i = 0; INVARIANTS_ARE_CHECKED && i < thread_state_count(); i++) {
		const struct thread_state *thread = thread_state_at(i);

		/* Killed while an entry was on its way. */
		if (thread == NULL || (atomic_load(&thread->flush_sequence) & 1) != 0)
			continue;
		for (uint32_t d = 0; d < SITE_CACHE_SLOTS; d++) {
			const struct site_delta *delta = &thread->deltas[d];

			INVARIANT(delta->stack < count, delta->stack, count);
			INVARIANT(delta->stack == 0 || delta->stack % SITE_CACHE_SLOTS == d,
				  delta->stack, d);
			INVARIANT(delta->allocations <= SITE_DELTA_MAX, delta->allocations, d);
		}
		for (uint32_t d = 0; d < SITE_LEAVING; d++) {
			const struct site_delta *delta = &thread->leaving[d];

			INVARIANT(delta->stack < count, delta->stack, count);
			INVARIANT(delta->allocations <= SITE_DELTA_MAX, delta->allocations, d);
		}
	}
}
