/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_state: what the library keeps for each thread, and the guard that marks being inside.
 *
 * One block of at most 32 KiB per thread, made at the thread's first allocation, found through one
 * initial-exec TLS pointer, never freed. It needs no thread destructor: a block whose thread is
 * gone is taken over by a later thread, so allocations in other destructors after ours work. A
 * forked child sees zeros (see region.h): its counters start anew. Only the last stack lies elsewhere
 * and is kept: a signal handler that forks may have interrupted a capture, which goes on in the child.
 */
#ifndef LIB_RECORD_THREAD_STATE_H
#define LIB_RECORD_THREAD_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/syscalls.h"
#include "lib/record/stack_capture.h"

#define SITE_CACHE_SLOTS 512u
#define SITE_LEAVING 4u

enum count {
	COUNT_ALLOCATIONS,
	COUNT_ALLOCATED_BYTES,
	COUNT_FREES,
	COUNT_FREED_BYTES,
	COUNT_INHERITED_FREES,
	COUNT_UNKNOWN_FREES,
	COUNT_LOST_BLOCKS,
	COUNT_LOST_STACKS,
	COUNT_CUT_STACKS,
	COUNT_KINDS
};

/* Allocations of one stack that are not yet in the shared counters. */
struct site_delta {
	uint32_t stack; /* 0: empty */
	uint32_t allocations;
	uint64_t bytes;
};

/* A bit of `inside`: what the thread allocates is BLOCK_IGNORED. So a thread that does so takes the long way,
 * and no other has anything to test. */
#define THREAD_IGNORES (1ull << 63)

/* States lie side by side, and each thread writes both ends of its own all the time: so that the next
 * thread does not share a line of the processor's caches with it, nor the one that is fetched with
 * it, they begin at multiples of two lines. */
#define THREAD_STATE_ALIGNMENT 128

struct thread_state {
	_Alignas(THREAD_STATE_ALIGNMENT) _Atomic(uint32_t)
		owner_tid;  /* 0: free for the next thread */
	int32_t frees_left; /* before the next one that is a sample, see free_turn */
	/* Where on the stack the outermost guard lies; 0: there is none. And THREAD_IGNORES. */
	volatile uint64_t inside;
	uint64_t moving_sp;    /* where the outermost of `moving` does */
	uint32_t newest_stack; /* the largest number of a stack that it has allocated under */

	/* Written by the owner only, read by whoever takes a snapshot. The second row is for its
	 * signal handlers that interrupt the library, perhaps while it adds to the first. */
	uint64_t counts[2][COUNT_KINDS];

	/* Odd while an entry of `deltas` or `leaving` is on its way, see site_counters. */
	_Atomic(uint32_t) flush_sequence;
	uint32_t flush_stack; /* which one */
	uint32_t leaving_next;
	struct site_delta deltas[SITE_CACHE_SLOTS];
	struct site_delta leaving[SITE_LEAVING];

	/* What the operator new and delete doors must know about the malloc or free inside. */
	uintptr_t last_added;
	uint64_t last_added_bytes;
	uintptr_t last_removed;
	uint64_t free_random; /* state of free_turn's generator; 0: none yet */
	uint32_t asked;	      /* blocks that it has made BLOCK_IS_ASKED */
	uint32_t moving; /* blocks in the hands of realloc: in no table, and at no certain place */
	struct buffer findings; /* what its last check has found, as a text; empty: nothing */
};

/* Beside each state. */
struct thread_trace {
	_Alignas(THREAD_STATE_ALIGNMENT) struct stack_trace last;
};

_Static_assert(sizeof(struct thread_state) + sizeof(struct thread_trace) <= 32 << 10,
	       "DESIGN: 32 KiB per thread");
_Static_assert(sizeof(struct thread_state) % THREAD_STATE_ALIGNMENT == 0, "nothing is shared");

/* "This thread is inside the library." Functions that record take one as a parameter, so that none
 * of them can be called without. */
struct guard {
	struct thread_state *thread; /* null: no memory for this thread's state */
	uint64_t depth;		     /* what `inside` was before */
	bool is_nested;		     /* in a signal handler that interrupted the library */
};

extern __thread struct thread_state *thread_state_here
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
/* The last stack of a thread that has a state; for whoever is outermost. */
extern __thread struct stack_trace *thread_state_trace_here
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Finds or makes the state of the calling thread; null when there is no memory. */
struct thread_state *thread_state_attach_slow(void);

/* The process whose threads these are; set at its birth and after a fork. 0: not known yet. */
extern uint32_t thread_state_pid;

/* For asserts. A vfork child is in the memory and with the TLS of its parent's thread, which waits. One
 * that a signal handler has forked just now finds the state wiped. */
static inline bool thread_state_is_ours(const struct thread_state *thread)
{
	return thread->owner_tid == sys_tid() || thread->owner_tid == 0 ||
	       (thread_state_pid != 0 && thread_state_pid != sys_pid());
}

/* Where the calling function is on its stack: it is not called again before a function that called it
 * goes on at a higher address. */
#if defined(__x86_64__)
#define NOTE_OWN_SP(where) __asm__ volatile("mov %%rsp, %0" : "=m"(where))
#else
#define NOTE_OWN_SP(where) ((where) = (uint64_t)__builtin_frame_address(0))
#endif

static inline struct guard guard_enter(void)
{
	struct thread_state *thread = thread_state_here;
	struct guard guard;

	if (__builtin_expect(thread == NULL || thread->owner_tid == 0, 0))
		thread = thread_state_attach_slow();
	INVARIANT(!invariant_is_in_helper(), thread, sys_tid());
	INVARIANT(thread == NULL || thread_state_is_ours(thread), thread->owner_tid, sys_tid());
	guard.thread = thread;
	guard.depth = thread == NULL ? 0 : thread->inside;
	guard.is_nested = thread == NULL || (guard.depth & ~THREAD_IGNORES) > 0;
	if (!guard.is_nested) {
		NOTE_OWN_SP(thread->inside);
		thread->inside |= guard.depth;
	}
	/* A signal handler of this thread must see the mark before anything else we do. */
	atomic_signal_fence(memory_order_seq_cst);
	return guard;
}

static inline void guard_leave(struct guard *guard)
{
	atomic_signal_fence(memory_order_seq_cst);
	/* As it was, and not one less: a signal handler may have forked inside of us, and in the child
	 * the state has been wiped meanwhile. */
	if (guard->thread != NULL)
		guard->thread->inside = guard->depth;
}

#define GUARD_SCOPE __attribute__((cleanup(guard_leave)))

/* The same for a thread that has a state and is not inside yet, with less to write down. Null: it is not
 * so, and nothing has been entered. */
static inline struct thread_state *guard_enter_outermost(void)
{
	struct thread_state *thread = thread_state_here;

	if (__builtin_expect(thread == NULL || thread->owner_tid == 0 || thread->inside != 0, 0))
		return NULL;
	INVARIANT(!invariant_is_in_helper(), thread, sys_tid());
	INVARIANT(thread_state_is_ours(thread), thread->owner_tid, sys_tid());
	NOTE_OWN_SP(thread->inside);
	atomic_signal_fence(memory_order_seq_cst);
	return thread;
}

static inline void guard_leave_outermost(struct thread_state *thread)
{
	atomic_signal_fence(memory_order_seq_cst);
	thread->inside = 0;
}

/* For functions that want to see a guard. */
static inline struct guard guard_outermost(struct thread_state *thread)
{
	return (struct guard){.thread = thread};
}

/* By which the thread holds a lock. */
static inline uint32_t guard_tid(const struct guard *guard)
{
	return guard->thread == NULL
		       ? LOCK_BY_ANYBODY
		       : atomic_load_explicit(&guard->thread->owner_tid, memory_order_relaxed);
}

static inline void guard_count(const struct guard *guard, enum count count, uint64_t by)
{
	if (__builtin_expect(guard->is_nested, 0))
		__atomic_fetch_add(&guard->thread->counts[1][count], by, __ATOMIC_RELAXED);
	else
		guard->thread->counts[0][count] += by;
}

/* From here on what the calling thread allocates is BLOCK_IGNORED, until as many calls of the other. */
void thread_state_begin_ignoring(void);
void thread_state_end_ignoring(void);

static inline bool guard_ignores(const struct guard *guard)
{
	return (guard->depth & THREAD_IGNORES) != 0;
}

/* The thread is about to go on at a higher address of its stack, which a signal handler or a function
 * called by it jumps to. True when it leaves what it was inside of: then that is undone as far as it was
 * the thread's own. Who has changed stacks in a signal handler leaves nothing. */
bool thread_state_leave(struct thread_state *thread, uint64_t sp);

/* How often that was so: the counts of threads may be off by that much. */
extern _Atomic(uint64_t) thread_state_left;

/* All states ever made, by index from 0 to count - 1; one that is just being made is null. */
uint32_t thread_state_count(void);
struct thread_state *thread_state_at(uint32_t index);

/* Threads of process `pid` that allocated and are alive. */
uint32_t thread_state_alive(uint32_t pid);

/* Threads that have a block in the hands of realloc. */
uint32_t thread_state_moving(void);

/* The sum over all threads. */
uint64_t thread_state_sum(enum count count);

/* Of a debug build, while no thread of the program runs: what was counted is possible. */
void thread_state_verify(void);

/* Blocks that were not recorded because no thread state could be made. */
extern _Atomic(uint64_t) thread_state_lost_blocks;

#endif
