/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_capture: the call stack of the calling thread, exact or marked as cut.
 *
 * The one function behind which unwinding happens. It keeps the thread's last stack and what every
 * frame of it was read from. A new stack is walked from the inside only until it meets a frame of
 * the last one in the same state; from there on the words that a walk would read are compared with
 * what they were. If they are all the same, so is the rest of the stack.
 */
#ifndef LIB_RECORD_STACK_CAPTURE_H
#define LIB_RECORD_STACK_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/options.h"
#include "lib/record/full_step.h"
#include "lib/record/module_list.h"
#include "lib/record/stack_words.h"

/* The registers of the program's frame that called one of our doors, as they are when the door has
 * returned. */
struct caller {
	uint64_t pc; /* return address */
	uint64_t sp, bp;
};

/* In a door: __builtin_frame_address makes gcc and clang set up a frame pointer, so the caller's
 * registers can be read from the frame, whatever the program was compiled with. */
#define CALLER_HERE()                                                                              \
	({                                                                                         \
		const uint64_t *frame_ = __builtin_frame_address(0);                               \
		(struct caller){.pc = frame_[1], .sp = (uint64_t)(frame_ + 2), .bp = frame_[0]};   \
	})

/* What is known of a frame. One byte, written at once: a processor waits when it has to put together
 * what it reads from several writes. */
enum frame_flag {
	FRAME_IS_SIGNAL = 1, /* interrupted by a signal */
	FRAME_IS_GUESS =
		2, /* found through a frame pointer without a rule, or outside of such a one */
	FRAME_IS_STEP = 4, /* only a repeated step can tell whether it is still there */
	FRAME_READS_BP =
		8, /* bp was read at bp_slot; otherwise it is that of the frame inside, unless
			      * FRAME_IS_STEP */
	FRAME_IS_BY_BP = 16, /* could not be found without the bp of the frame inside */
	FRAME_NEEDS_BP =
		32, /* those outside could not be found without its bp; where they could, bp may
			      * be an older one */
	FRAME_CHECKS_BP = 64, /* FRAME_NEEDS_BP and FRAME_READS_BP */
};

/* A frame, and how its state was found from the frame inside of it. */
struct stack_frame {
	uint64_t pc; /* return address, read at sp - 8; in a frame that a signal interrupted, the
		      * instruction itself */
	uint64_t sp, bp;
	uint64_t path;	 /* see stack_path; right for all frames of a trace */
	uint32_t node;	 /* of the call tree; right below stack_trace.noded */
	int16_t bp_slot; /* from sp */
	uint8_t flags;	 /* enum frame_flag */
};

#define STACK_TRACE_ROOM (OPTIONS_STACK_DEPTH_MAX + 64)

/* The last stack of a thread. */
struct stack_trace {
	uint32_t count;	       /* frames[0] is the outermost one */
	uint32_t noded;	       /* frames below this index have their node of the call tree */
	uint32_t unloads;      /* module_list_unloads when it was taken */
	bool is_cut;	       /* there is more outside of frames[0] */
	bool is_complete;      /* frames[0] is where the thread begins */
	bool ends_in_word;     /* because a word of the stack says so, which may change */
	bool has_steps;	       /* perhaps one of the frames is FRAME_IS_STEP */
	bool is_plain;	       /* there is nothing to it but what has_changed looks at */
	struct full_walk walk; /* of the present capture, for odd frames */
	/* What is not the last stack is room for the next one. */
	struct stack_frame frames[STACK_TRACE_ROOM];
};

/* As stack_capture, of the frame that waits in the last place of trace->frames. */
void stack_capture_waiting(struct stack_trace *trace, uint32_t depth);

/*
 * Whether the words that led to this frame have changed since.
 *
 * This reads what a walk would read, in its order: the rule of the frame inside, which is right, names
 * both words. Of the values of bp only those count that a frame outside is found by: most code keeps
 * something else there.
 */
static inline bool stack_frame_has_changed(const struct stack_frame *frame)
{
	if (__builtin_expect(stack_word(frame->sp - 8) != frame->pc, 0))
		return true;
	return __builtin_expect(frame->flags & FRAME_CHECKS_BP, 0) &&
	       stack_word(frame->sp + (uint64_t)(int64_t)frame->bp_slot) != frame->bp;
}

/* frames[inner] is right. Returns the smallest index from which on all of them up to it are, as long
 * as none is FRAME_IS_STEP. */
static inline uint32_t stack_frames_verify(const struct stack_frame *frames, uint32_t inner)
{
	uint32_t right = inner;

	/* The processor is limited by how many branches it can take. */
	for (; right >= 4; right -= 4) {
		const struct stack_frame *frame = &frames[right];

		if (stack_frame_has_changed(&frame[-1]))
			return right;
		if (stack_frame_has_changed(&frame[-2]))
			return right - 1;
		if (stack_frame_has_changed(&frame[-3]))
			return right - 2;
		if (stack_frame_has_changed(&frame[-4]))
			return right - 3;
	}
	while (right > 0 && !stack_frame_has_changed(&frames[right - 1]))
		right--;
	return right;
}

/* Whether the stack is the last one once more, as in a loop. */
static inline bool stack_is_as_before(const struct stack_trace *trace, struct caller caller)
{
	const struct stack_frame *frame = &trace->frames[trace->count - 1];

	return trace->count > 0 && trace->is_plain &&
	       trace->unloads == atomic_load_explicit(&module_list_unloads, memory_order_acquire) &&
	       frame->pc == caller.pc && frame->sp == caller.sp &&
	       (frame->bp == caller.bp || !(frame->flags & FRAME_NEEDS_BP)) &&
	       stack_frames_verify(trace->frames, trace->count - 1) == 0;
}

/*
 * Makes *trace the stack from the caller outwards, at most its `depth` innermost frames. Uses what
 * *trace was before; an empty one (count 0) is always right. Async-signal-safe as long as nobody
 * else uses the same trace; reads only words that belong to the thread's own frames.
 */
static inline void stack_capture(struct stack_trace *trace, struct caller caller, uint32_t depth)
{
	if (stack_is_as_before(trace, caller))
		return;
	trace->frames[STACK_TRACE_ROOM - 1] =
		(struct stack_frame){.pc = caller.pc, .sp = caller.sp, .bp = caller.bp};
	stack_capture_waiting(trace, depth);
}

/* Gives the frames of a trace that was put together by hand their paths. */
void stack_capture_find_paths(struct stack_trace *trace);

#endif
