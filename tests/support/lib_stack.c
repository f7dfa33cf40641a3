/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_stack: stacks as plain lists of program counters.
 */
#include "tests/support/lib_stack.h"

#include <string.h>

#include "seep/snapshot_format.h"

uint32_t lib_stack_capture(struct stack_trace *trace, struct caller caller, uint64_t *frames,
			   uint32_t depth, bool *is_cut)
{
	uint32_t count = 0;

	stack_capture(trace, caller, depth);
	for (uint32_t i = trace->count; i-- > 0;) {
		if (trace->frames[i].flags & FRAME_IS_SIGNAL)
			frames[count++] = SEEP_PC_SIGNAL;
		frames[count++] = trace->frames[i].pc;
	}
	*is_cut = trace->is_cut;
	if (trace->is_cut)
		frames[count++] = SEEP_PC_CUT;
	return count;
}

uint32_t lib_stack_id(const uint64_t *frames, uint32_t count)
{
	static __thread struct stack_trace trace;

	trace.count = trace.noded = 0;
	trace.is_cut = count > 0 && frames[count - 1] == SEEP_PC_CUT;
	count -= trace.is_cut;
	while (count-- > 0) {
		struct stack_frame *frame = &trace.frames[trace.count++];

		memset(frame, 0, sizeof(*frame));
		frame->pc = frames[count];
	}
	stack_capture_find_paths(&trace);
	return call_tree_stack(&trace, 0);
}
