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

enum frame_source {
	FRAME_FROM_SLOTS, /* pc was read at sp - 8, and bp at sp + bp_slot or nowhere */
	FRAME_FROM_STEP,  /* read from elsewhere as well: only a repeated step can tell */
};

/* A frame, and how its state was found from the frame inside of it. */
struct stack_frame {
	uint64_t pc; /* return address; in a frame that a signal interrupted, the instruction itself
		      */
	uint64_t sp, bp;
	uint64_t path;	       /* see stack_path; right for all frames of a trace */
	uint32_t node;	       /* of the call tree; right below stack_trace.noded */
	int16_t bp_slot;       /* where bp was read, from sp; of no meaning when bp_mask is 0 */
	int8_t bp_mask;	       /* -1; or 0: bp is that of the frame inside */
	uint8_t source : 1;    /* enum frame_source */
	uint8_t is_signal : 1; /* interrupted by a signal */
	uint8_t is_guess : 1;  /* found through a frame pointer without a rule, or outside of such a
				 one */
};

/* In a frame whose bp was read nowhere: a word that may be read all the same. */
#define FRAME_NO_SLOT (-8)

#define STACK_TRACE_ROOM (OPTIONS_STACK_DEPTH_MAX + 64)

/* The last stack of a thread. */
struct stack_trace {
	uint32_t count;	       /* frames[0] is the outermost one */
	uint32_t noded;	       /* frames below this index have their node of the call tree */
	uint32_t unloads;      /* module_list_unloads when it was taken */
	bool is_cut;	       /* there is more outside of frames[0] */
	bool is_complete;      /* frames[0] is where the thread begins */
	bool ends_in_word;     /* because a word of the stack says so, which may change */
	bool has_steps;	       /* perhaps one of the frames is FRAME_FROM_STEP */
	struct full_walk walk; /* of the present capture, for odd frames */
	/* What is not the last stack is room for the next one. */
	struct stack_frame frames[STACK_TRACE_ROOM];
};

/* As stack_capture, of the frame that waits in the last place of trace->frames. */
void stack_capture_waiting(struct stack_trace *trace, uint32_t depth);

/*
 * Makes *trace the stack from the caller outwards, at most its `depth` innermost frames. Uses what
 * *trace was before; an empty one (count 0) is always right. Async-signal-safe as long as nobody
 * else uses the same trace; reads only words that belong to the thread's own frames.
 */
static inline void stack_capture(struct stack_trace *trace, struct caller caller, uint32_t depth)
{
	trace->frames[STACK_TRACE_ROOM - 1] = (struct stack_frame){
		.pc = caller.pc, .sp = caller.sp, .bp = caller.bp, .bp_slot = FRAME_NO_SLOT};
	stack_capture_waiting(trace, depth);
}

/* Gives the frames of a trace that was put together by hand their paths. */
void stack_capture_find_paths(struct stack_trace *trace);

#endif
