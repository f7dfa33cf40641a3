/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_frames: the frames of one stack after the other, innermost first.
 */
#ifndef SEEP_SYMBOLS_STACK_FRAMES_H
#define SEEP_SYMBOLS_STACK_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct frame_cache;
struct module_notes;
struct open_modules;
struct profile;
struct report;

/* What the first five are, the owner fills in. */
struct stack_frames {
	struct open_modules *modules;
	struct frame_cache *cache;
	struct module_notes *notes;
	struct report *report; /* that the texts belong to */
	bool has_modules_only; /* look nothing up */
	struct frame *frames;  /* of the stack at hand */
	size_t count, capacity;
};

/* Each takes the place of the stack at hand, and is false without memory. */

/* Of the stack with the innermost node `stack`, the `depth` innermost nodes; all where it is 0. */
bool stack_frames_collect(struct stack_frames *frames, const struct profile *profile,
			  uint32_t stack, uint32_t depth);
/* Of one return address in a module of the profile, or in none. */
bool stack_frames_of_address(struct stack_frames *frames, const struct profile *profile,
			     uint32_t module, uint64_t pc);

/* Wrappers count only where they are innermost: a program's xmalloc further out, say in a callback
 * of an allocator, is the program's business. One frame of code always remains to be shown. */
void stack_frames_keep_innermost_wrappers(struct stack_frames *frames);

/* The frames at hand, to live as long as the report; null without memory. */
struct frame *stack_frames_copy(const struct stack_frames *frames);

void stack_frames_free(struct stack_frames *frames); /* the frames at hand */

#endif
