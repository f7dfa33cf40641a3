/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stray_free: what is given to free although no block that we know begins there, while free has it.
 *
 * Mostly that is a block from before the library, or one that somebody else has allocated, and free comes
 * back. Where it does not, because libc's malloc ends the program there (a block was freed twice, or never
 * was one), this is who did it.
 */
#ifndef LIB_RECORD_STRAY_FREE_H
#define LIB_RECORD_STRAY_FREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stray_free;

/* libc's __abort_msg, where it notes with which words it is about to end the program; null where there is
 * none, or malloc is not libc's. Set before the first free. */
extern const void *const *stray_free_abort_message;

/* Whether the next one is worth its cost: not in a program that does so all the time. */
bool stray_free_is_wanted(void);
/* `addr` is about to be given to the real free, by `stack`. Null where there is no room. */
struct stray_free *stray_free_begin(uint64_t addr, uint32_t stack, uint32_t tid);
void stray_free_end(struct stray_free *stray);

/* The thread leaves what it has interrupted and does not come back: see recorder_leave. */
void stray_free_leave_slow(uint32_t tid);
extern _Atomic(uint32_t) stray_free_pending; /* begun, and not ended */
static inline void stray_free_leave(uint32_t tid)
{
	if (__builtin_expect(atomic_load_explicit(&stray_free_pending, memory_order_relaxed) != 0,
			     0))
		stray_free_leave_slow(tid);
}

/* For whoever writes the last state of the process: the one that ended it, with libc's words. False where none
 * did, or it is not certain which. */
#define STRAY_FREE_MESSAGE_BYTES 96
struct fatal_free {
	uint64_t addr;
	uint32_t stack;
	char message[STRAY_FREE_MESSAGE_BYTES];
};
bool stray_free_find_fatal(struct fatal_free *fatal);

void stray_free_postfork_child(void);

#endif
