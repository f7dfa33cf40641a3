/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: with --sample=BYTES, which blocks are recorded at all.
 *
 * Each thread counts down the bytes to the next point that falls on one of its blocks, see
 * sample_weight. A block that is not reached costs a subtraction, and its free a look into a filter;
 * neither touches anything else of the library. A process samples from its first block to its last,
 * or never.
 */
#ifndef LIB_RECORD_SAMPLER_H
#define LIB_RECORD_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/sample_weight.h"

#define SAMPLER_VARIABLE __attribute__((visibility("hidden")))

/* Of each thread, without a guard: a signal handler may come in between, and then a draw of one of
 * the two is lost. As the points have no memory, what remains is as random as before. */
struct sampler_thread {
	/* bytes that pass before the next point, or 0: nothing has been drawn */
	uint64_t countdown;
	uint64_t random;   /* state of the generator; 0: none yet */
	/* While an operator new is watched `countdown` is 0, so that all that it allocates is seen, and
	 * the bytes are counted here. */
	uint64_t kept_countdown;
	uintptr_t watcher; /* address of the frame that watches; 0: none */
};

extern __thread struct sampler_thread sampler_here __attribute__((tls_model("initial-exec")))
SAMPLER_VARIABLE;

/* Whether this process samples, and the mean distance of the points. Set at birth. */
extern bool sampler_is_on SAMPLER_VARIABLE;
extern uint64_t sampler_mean_bytes SAMPLER_VARIABLE;

/* `mean_bytes` is 1 to SAMPLE_MEAN_MAX. */
void sampler_start(uint64_t mean_bytes);

/* The calling thread, the only one of a forked child, shall not draw what its parent draws. Unsampled
 * blocks pass without asking whether there was a fork, so the child's first point and the distance to its
 * second one still are what the parent's would have been. */
void sampler_postfork_child(void);

/* True: the block passes unseen. False, also for a thread that has not drawn yet: ask sampler_takes_slow. */
static inline bool sampler_passes(uint64_t bytes)
{
	uint64_t left;

	/* Written back only when it did not fall below 0, whoever interrupts us here. */
	if (__builtin_expect(
		    __builtin_sub_overflow(sampler_here.countdown, sample_length(bytes), &left), 0))
		return false;
	sampler_here.countdown = left;
	return true;
}

/* Whether a block that did not pass is a sample. Draws the next point. */
bool sampler_takes_slow(uint64_t bytes);

/* For operators new that may or may not end in malloc: from here on no block of this thread passes
 * unseen, until sampler_unwatch is given what this returned; or, if the operator has thrown, until
 * the frame that called this is gone. */
struct sampler_watch {
	uintptr_t watcher_before;
};
struct sampler_watch sampler_watch(uintptr_t frame);
void sampler_unwatch(struct sampler_watch watch);

/*
 * The filter: how many samples are live at addresses with this hash. It says no for nearly all that
 * is freed; where it says yes the live table knows. A count that has reached 255 stays there.
 */
#define SAMPLER_FILTER_BITS 16

extern uint8_t sampler_filter[1u << SAMPLER_FILTER_BITS] SAMPLER_VARIABLE;
/* The same, or null while every block is recorded: free asks both with one load. */
extern uint8_t *sampler_filter_used SAMPLER_VARIABLE;

/* Knuth's multiplicative hash, of the low half, which takes a constant of one instruction. */
static inline uint32_t sampler_filter_place(uintptr_t addr)
{
	return (uint32_t)addr * 0x9e3779b1u >> (32 - SAMPLER_FILTER_BITS);
}

/* A plain load: whoever frees a sample has been told its address after the filter was. */
static inline bool sampler_may_have(const void *ptr)
{
	return __builtin_expect(sampler_filter[sampler_filter_place((uintptr_t)ptr)] != 0, 0);
}

void sampler_filter_add(uintptr_t addr);
void sampler_filter_remove(uintptr_t addr);

#endif
