/* SPDX-License-Identifier: Apache-2.0 */
/*
 * running_rounds: the growth checks that threads are in the middle of, and those that were left.
 *
 * A body of rounds may leave them by longjmp, or end its thread: then nobody says that they are over.
 * What is known of them is released when the next ones begin, in whichever thread.
 */
#ifndef LIB_CONTROL_RUNNING_ROUNDS_H
#define LIB_CONTROL_RUNNING_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

struct round_growth;

/* Notes that the calling thread begins with them, in a function with this frame. Returns how they are
 * called; null when too many are running. */
void *running_rounds_add(struct round_growth *growth, uint64_t frame);

/* Those that are called so. Null: they were taken for left. */
struct round_growth *running_rounds_find(void *name);

/* They are over, and the caller's to release. */
void running_rounds_remove(void *name);

/* They are over, but somebody may still be at work on them: as if they had been left. */
void running_rounds_leave(void *name);

/* Whether there are any that were left, now that a function with this frame begins others. */
bool running_rounds_are_left(uint64_t frame);

/* Releases those; to be run where nobody is at work on them. */
void running_rounds_release_left(void *unused);

#endif
