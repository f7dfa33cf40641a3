/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_state: what the library keeps for each thread, and the guard that marks being inside.
 *
 * Reclaiming instead of destroying: a TSD destructor of ours would run before those of others,
 * which may still allocate. So a state names its owner by tid, and a thread that needs a state
 * looks at a few old ones and takes one whose owner is gone. Its own tid in an old state is the
 * sure sign of that: tids are used again, but not by two living threads.
 *
 *   Runs in   the target, at a thread's first allocation
 *   Locks     none; states are claimed with compare-and-swap
 *   Memory    region, 8 states a time; wiped on fork but for the last stacks
 *   Calls     gettid, tgkill(0), mmap, mincore, sigaltstack
 *   Failure   null: the thread's allocations are counted as lost
 */
#include "lib/record/thread_state.h"

#include <signal.h>
#include <stddef.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#define STATES_PER_BATCH 8u
#define STATES_LOOKED_AT 16
#define STACK_MOST_BYTES (1ull << 30)

__thread struct thread_state *thread_state_here
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
__thread struct stack_trace *thread_state_trace_here
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* How often the thread has said so. Not in the state, which a fork wipes. */
static __thread uint32_t ignoring __attribute__((tls_model("initial-exec")));

/* 64 K threads at once. The list lies outside of the states, which a fork wipes. */
#define BATCHES 8192u
static struct thread_state *batches[BATCHES];
static struct thread_trace *traces[BATCHES]; /* of the states of each */
static _Atomic(uint32_t) batch_count;
static _Atomic(uint32_t) next_looked_at;
static _Atomic(uint32_t) next_full_look = 4 * STATES_PER_BATCH;

_Atomic(uint64_t) thread_state_lost_blocks, thread_state_left;
uint32_t thread_state_pid;

/* Null where a batch has been reserved and not been stored yet. */
static struct thread_state *state_at(uint32_t index)
{
	struct thread_state *states =
		__atomic_load_n(&batches[index / STATES_PER_BATCH], __ATOMIC_ACQUIRE);

	return states == NULL ? NULL : &states[index % STATES_PER_BATCH];
}

static struct stack_trace *trace_at(uint32_t index)
{
	return &traces[index / STATES_PER_BATCH][index % STATES_PER_BATCH].last;
}

static uint32_t state_count(void)
{
	uint32_t count = atomic_load_explicit(&batch_count, memory_order_acquire);

	return (count < BATCHES ? count : BATCHES) * STATES_PER_BATCH;
}

static bool is_gone(uint32_t pid, uint32_t tid)
{
	return sys_call(SYS_tgkill, pid, tid, 0) == -3; /* ESRCH */
}

/* A thread that went in the middle of moving an entry (cancelled in malloc, say) has left it in two
 * places or in one. It is dropped: what is missing is counted nowhere, what is there twice would be
 * counted for ever. The sequence must be even again, or the new owner's moves would be seen as rest. */
static void end_lost_move(struct thread_state *state)
{
	uint32_t sequence = atomic_load_explicit(&state->flush_sequence, memory_order_relaxed);

	if ((sequence & 1) == 0)
		return;
	for (uint32_t i = 0; i < SITE_LEAVING; i++)
		if (state->leaving[i].stack == state->flush_stack)
			state->leaving[i] = (struct site_delta){0};
	if (state->deltas[state->flush_stack % SITE_CACHE_SLOTS].stack == state->flush_stack)
		state->deltas[state->flush_stack % SITE_CACHE_SLOTS] = (struct site_delta){0};
	atomic_store_explicit(&state->flush_sequence, sequence + 1, memory_order_release);
}

static bool claim(uint32_t index, uint32_t pid, uint32_t tid)
{
	struct thread_state *state = state_at(index);
	uint32_t owner;

	/* Its own is free in a forked child, and a capture in it may have been interrupted. */
	if (state == NULL || state == thread_state_here)
		return false;
	owner = atomic_load_explicit(&state->owner_tid, memory_order_acquire);
	if (owner != 0 && owner != tid && !is_gone(pid, owner))
		return false;
	if (!atomic_compare_exchange_strong(&state->owner_tid, &owner, tid))
		return false;
	/* The counters go on: they are sums over all threads that ever were. */
	state->inside = 0;
	end_lost_move(state);
	trace_at(index)->count = 0;
	state->last_added = 0;
	state->last_removed = 0;
	state->moving = 0;
	state->findings.bytes = 0;
	return true;
}

/* Stores the number of its first state, which belongs to the thread; false when there is no room. */
static bool add_batch(uint32_t tid, uint32_t *first)
{
	const size_t state_bytes = STATES_PER_BATCH * sizeof(struct thread_state);
	const size_t trace_bytes = STATES_PER_BATCH * sizeof(struct thread_trace);
	struct thread_state *states = region_map(state_bytes, REGION_WIPED_ON_FORK);
	struct thread_trace *lasts =
		states == NULL ? NULL : region_map(trace_bytes, REGION_KEPT_ON_FORK);
	uint32_t index;

	if (lasts == NULL)
		goto out;
	states[0].owner_tid = tid;
	index = atomic_fetch_add(&batch_count, 1);
	if (index >= BATCHES) {
		atomic_fetch_sub(&batch_count, 1);
		goto out;
	}
	traces[index] = lasts;
	__atomic_store_n(&batches[index], states, __ATOMIC_RELEASE);
	*first = index * STATES_PER_BATCH;
	return true;
out:
	if (states != NULL)
		region_unmap(states, state_bytes);
	if (lasts != NULL)
		region_unmap(lasts, trace_bytes);
	return false;
}

struct thread_state *thread_state_attach_slow(void)
{
	uint32_t pid = sys_pid(), tid = sys_tid();
	uint32_t count = state_count();
	uint32_t first = atomic_fetch_add(&next_looked_at, STATES_LOOKED_AT);
	struct thread_state *state;
	uint32_t index;

	/* A vfork child, in the memory and with the TLS of its parent's thread: its tid would
	 * outlive it in both. */
	if (thread_state_pid != 0 && thread_state_pid != pid)
		return NULL;
	for (uint32_t i = 0; i < STATES_LOOKED_AT && i < count; i++) {
		index = (first + i) % count;
		if (claim(index, pid, tid))
			goto found;
	}
	/* Free ones elsewhere, without asking the kernel about each. */
	for (index = 0; index < count; index++) {
		state = state_at(index);
		if (state != NULL &&
		    atomic_load_explicit(&state->owner_tid, memory_order_relaxed) == 0 &&
		    claim(index, pid, tid))
			goto found;
	}
	/* All of them, before there are twice as many as were alive the last time. */
	if (count >= atomic_load_explicit(&next_full_look, memory_order_relaxed)) {
		uint32_t alive = 0;

		for (uint32_t i = 0; i < count; i++) {
			state = state_at(i);
			if (state == NULL)
				continue;
			uint32_t owner = atomic_load(&state->owner_tid);
			if (owner != 0 && is_gone(pid, owner))
				atomic_compare_exchange_strong(&state->owner_tid, &owner, 0);
			else
				alive += owner != 0;
		}
		atomic_store(&next_full_look, 2 * alive + 4 * STATES_PER_BATCH);
		for (index = 0; index < count; index++)
			if (claim(index, pid, tid))
				goto found;
	}
	if (!add_batch(tid, &index))
		return NULL;
found:
	state = state_at(index);
	INVARIANT(state->owner_tid == tid, state->owner_tid, tid);
	INVARIANT(state->inside == 0 && (state->flush_sequence & 1) == 0, state->inside,
		  state->flush_sequence);
	state->inside = ignoring > 0 ? THREAD_IGNORES : 0;
	/* First: a signal handler takes what belongs to the state that it finds. */
	thread_state_trace_here = trace_at(index);
	atomic_signal_fence(memory_order_seq_cst);
	thread_state_here = state;
	return state;
}

#define PAGE_BYTES 4096u
#define PAGES_AT_ONCE 512u

/* Whether all that lies between is memory: two stacks mostly have nothing, or a page that nobody may
 * touch, between them. */
static bool is_one_stack(uint64_t below, uint64_t above)
{
	unsigned char pages[PAGES_AT_ONCE];
	uint64_t end = (above | (PAGE_BYTES - 1)) + 1;

	if (above <= below || above - below > STACK_MOST_BYTES)
		return false;
	for (uint64_t next = below & ~(uint64_t)(PAGE_BYTES - 1); next < end;
	     next += PAGES_AT_ONCE * PAGE_BYTES) {
		uint64_t bytes = end - next < PAGES_AT_ONCE * PAGE_BYTES
					 ? end - next
					 : PAGES_AT_ONCE * PAGE_BYTES;

		if (sys_call(SYS_mincore, next, bytes, pages) != 0)
			return false;
	}
	return true;
}

/* It is not left when a handler that runs there jumps about in itself. */
static bool is_on_signal_stack(uint64_t sp)
{
	stack_t stack = {.ss_flags = SS_DISABLE};

	return sys_call(SYS_sigaltstack, NULL, &stack) == 0 && stack.ss_flags != SS_DISABLE &&
	       sp - (uint64_t)stack.ss_sp <= stack.ss_size;
}

bool thread_state_leave(struct thread_state *thread, uint64_t sp)
{
	uint64_t inside = thread->inside & ~THREAD_IGNORES;
	bool leaves = inside != 0 && is_one_stack(inside, sp);
	bool leaves_move = thread->moving > 0 && is_one_stack(thread->moving_sp, sp);

	if ((leaves || leaves_move) && is_on_signal_stack(sp))
		return false;
	if (leaves_move) {
		/* Who frees it later frees what nobody knows. */
		atomic_fetch_add(&thread_state_lost_blocks, thread->moving);
		thread->moving = 0;
	}
	if (!leaves)
		return leaves_move;
	end_lost_move(thread);
	thread_state_trace_here->count = 0;
	thread->last_added = 0;
	thread->last_removed = 0;
	atomic_fetch_add(&thread_state_left, 1);
	return true;
}

/* A guard that is left puts back what it found, so the bit is changed outside of any. */
static void set_ignoring(bool is_on)
{
	struct thread_state *thread;

	{
		GUARD_SCOPE struct guard guard = guard_enter();

		thread = guard.is_nested ? NULL : guard.thread;
	}
	if (thread != NULL)
		thread->inside = is_on ? THREAD_IGNORES : 0;
}

void thread_state_begin_ignoring(void)
{
	if (ignoring++ == 0)
		set_ignoring(true);
}

void thread_state_end_ignoring(void)
{
	if (ignoring > 0 && --ignoring == 0)
		set_ignoring(false);
}

struct thread_state *thread_state_at(uint32_t index)
{
	return index < state_count() ? state_at(index) : NULL;
}

uint32_t thread_state_count(void)
{
	return state_count();
}

uint32_t thread_state_alive(uint32_t pid)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < state_count(); i++) {
		struct thread_state *state = state_at(i);
		uint32_t owner = state == NULL ? 0 : atomic_load(&state->owner_tid);

		if (owner != 0 && !is_gone(pid, owner))
			alive++;
	}
	return alive;
}

uint32_t thread_state_moving(void)
{
	uint32_t moving = 0;

	for (uint32_t i = 0; i < state_count(); i++) {
		const struct thread_state *state = state_at(i);

		moving += state != NULL && state->owner_tid != 0 &&
			  __atomic_load_n(&state->moving, __ATOMIC_RELAXED) > 0;
	}
	return moving;
}

uint64_t thread_state_sum(enum count count)
{
	uint64_t sum = count == COUNT_LOST_BLOCKS ? atomic_load(&thread_state_lost_blocks) : 0;

	for (uint32_t i = 0; i < state_count(); i++) {
		const struct thread_state *state = state_at(i);

		if (state != NULL)
			sum += __atomic_load_n(&state->counts[0][count], __ATOMIC_RELAXED) +
			       __atomic_load_n(&state->counts[1][count], __ATOMIC_RELAXED);
	}
	return sum;
}

void thread_state_verify(void)
{
	uint64_t frees = thread_state_sum(COUNT_FREES);
	uint64_t allocations = thread_state_sum(COUNT_ALLOCATIONS);

	/* A block is in the table, and may be freed, an instant before its thread counts it. */
	INVARIANT(frees <= allocations + thread_state_count() + atomic_load(&thread_state_left),
		  frees, allocations);
}
