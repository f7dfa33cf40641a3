/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_capture: the call stack of the calling thread, exact or marked as cut.
 *
 * Follows the unwind rule of each frame. Debian's static libunwind cannot be linked into a shared
 * library and the shared one would be a dependency of every watched program, would interpose its
 * _Unwind_ functions, takes locks, allocates and needs kilobytes of stack; so the rules are
 * compiled here and libunwind is the oracle of the tests.
 *
 * Re-using the last stack is exact. A walk is a pure function of the state it starts from and of
 * the words that it reads; so when a frame of the new stack has the state of one in the last, and
 * the words that led from there outwards are unchanged, compared in the order in which a walk reads
 * them, then the rest is unchanged. Exceptions, longjmp, coroutines and stack switches need no
 * special case, and nothing of the program's memory is written.
 *
 * A rule of other registers than sp and bp depends on what all frames inside have saved; full_step
 * walks through them again, also when the last stack is re-used.
 *
 * Where there is no rule (JIT code, hand-written assembly) the frame-pointer chain is followed as
 * long as it is plausible. Its words may not be mapped, so the kernel reads them. What cannot be
 * followed ends in SEEP_PC_CUT: a stack is right or says that it is not whole.
 *
 *   Runs in   the target, inside malloc, also in signal handlers
 *   Locks     none
 *   Memory    the caller's trace
 *   Calls     _dl_find_object; process_vm_readv for frames without a rule
 *   Failure   the stack is marked as cut
 */
#include "lib/record/stack_capture.h"

#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "lib/base/invariant.h"
#include "lib/record/module_list.h"
#include "lib/record/stack_path.h"
#include "lib/record/stack_words.h"
#include "lib/record/unwind_rules.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

/* A frame larger than this is taken for a chain that has gone astray. */
#define PLAUSIBLE_FRAME_BYTES (1u << 20)
/* Larger frames are rare enough to be read with care. */
#define NEAR_BYTES (64u << 10)

/* One word of the stack, where `from` says it is. Outside of a guessed frame everything is a guess, and
 * a large frame may be unwind data that is wrong: then the kernel reads. */
static bool read_word(const struct stack_frame *from, uint64_t address, uint64_t *word)
{
	if (__builtin_expect((from->flags & FRAME_IS_GUESS) || address - from->sp > NEAR_BYTES, 0))
		return stack_read_unsafe(address, word, sizeof(*word));
	*word = stack_word(address);
	return true;
}

/* True when the instruction before a return address is a call: e8 rel32, or ff /2 in its forms. The
 * kernel reads it, for a module may have gaps. */
static bool follows_call(uint64_t pc)
{
	uint8_t before[7];
	const uint8_t *code = before + sizeof(before);

	if (!stack_read_unsafe(pc - sizeof(before), before, sizeof(before)))
		return false;
	if (code[-5] == 0xe8)
		return true;
	for (int bytes = 2; bytes <= (int)sizeof(before); bytes++)
		if (code[-bytes] == 0xff && (code[1 - bytes] & 0x38) == 0x10)
			return true;
	return false;
}

/* Finds the caller through the frame pointer, where nothing speaks against it. */
static bool follow_frame_pointer(const struct stack_frame *from, struct stack_frame *to)
{
	uint64_t words[2];

	if (from->bp < from->sp || from->bp - from->sp > PLAUSIBLE_FRAME_BYTES ||
	    from->bp % sizeof(uint64_t) != 0)
		return false;
	if (!stack_read_unsafe(from->bp, words, sizeof(words)) || words[1] < SEEP_PC_LIMIT + 8 ||
	    !module_list_knows(words[1] - 7) || !follows_call(words[1]))
		return false;
	*to = (struct stack_frame){.pc = words[1],
				   .sp = from->bp + 2 * sizeof(uint64_t),
				   .bp = words[0],
				   .flags = FRAME_IS_STEP | FRAME_IS_BY_BP | FRAME_IS_GUESS};
	return true;
}

/* Addresses below are marks in the file, those above belong to the kernel. */
static bool may_be_code(uint64_t pc)
{
	return pc - SEEP_PC_LIMIT < (1ull << 47) - SEEP_PC_LIMIT;
}

enum step { STEP_ON, STEP_END, STEP_CUT };

/* The address whose rule applies: in a frame that made a call, inside the call instruction. */
static uint64_t lookup_of(const struct stack_frame *frame)
{
	return frame->flags & FRAME_IS_SIGNAL ? frame->pc : frame->pc - 1;
}

static enum step step_out_of_signal(const struct stack_frame *from, struct stack_frame *to)
{
	const ucontext_t *context = (const ucontext_t *)from->sp;
	const greg_t *registers = context->uc_mcontext.gregs;

	to->flags |= FRAME_IS_STEP | FRAME_IS_BY_BP | FRAME_IS_SIGNAL;
	if (!read_word(from, (uint64_t)&registers[REG_RIP], &to->pc) ||
	    !read_word(from, (uint64_t)&registers[REG_RBP], &to->bp) ||
	    !read_word(from, (uint64_t)&registers[REG_RSP], &to->sp))
		return STEP_CUT;
	return may_be_code(to->pc) ? STEP_ON : STEP_CUT;
}

/* A rule that is not of pc, sp and bp alone. Where it cannot be followed the frame pointer is no way
 * out: it could skip a frame. A function, so that the stack that step_out_slow needs is free. */
static __attribute__((noinline)) enum step
step_out_fully(const struct stack_frame *from, struct stack_frame *to, struct full_walk *walk)
{
	struct full_frame frame = {.pc = from->pc,
				   .sp = from->sp,
				   .bp = from->bp,
				   .is_interrupted = (from->flags & FRAME_IS_SIGNAL) != 0};

	if ((from->flags & FRAME_IS_GUESS) || !full_step(walk, &frame))
		return STEP_CUT;
	*to = (struct stack_frame){.pc = frame.pc,
				   .sp = frame.sp,
				   .bp = frame.bp,
				   .flags = FRAME_IS_STEP | FRAME_IS_BY_BP |
					    (frame.is_interrupted ? FRAME_IS_SIGNAL : 0)};
	return may_be_code(to->pc) ? STEP_ON : STEP_CUT;
}

/* Finds the frame `to` that called `from`. */
static __attribute__((noinline)) enum step step_out_slow(const struct stack_frame *from,
							 struct stack_frame *to, uint32_t unloads,
							 struct full_walk *walk)
{
	struct unwind_rule rule = unwind_rule_of(lookup_of(from), unloads);
	uint64_t cfa;

	*to = (struct stack_frame){.bp = from->bp,
				   .flags = rule.kind == UNWIND_SP ? 0 : FRAME_IS_BY_BP};
	if (__builtin_expect(from->flags & FRAME_IS_GUESS, 0))
		to->flags = FRAME_IS_GUESS | FRAME_IS_STEP | FRAME_IS_BY_BP;
	switch (rule.kind) {
	case UNWIND_SP:
		cfa = from->sp + (uint64_t)(int64_t)rule.cfa_offset;
		break;
	case UNWIND_BP:
		cfa = from->bp + (uint64_t)(int64_t)rule.cfa_offset;
		break;
	case UNWIND_BP_DEREF:
		if (!read_word(from, from->bp + (uint64_t)(int64_t)rule.cfa_offset, &cfa))
			return STEP_CUT;
		break;
	case UNWIND_SIGNAL:
		return step_out_of_signal(from, to);
	case UNWIND_END:
		return STEP_END;
	case UNWIND_UNKNOWN:
		/* The bottom of a context made by makecontext returns to the very beginning of a
		 * function; the address before it belongs to nobody. */
		if (!(from->flags & FRAME_IS_SIGNAL) &&
		    unwind_rule_of(from->pc, unloads).kind != UNWIND_UNKNOWN)
			return STEP_END;
		/* "The deepest stack frame should be marked by setting the frame pointer to zero",
		 * psABI 3.4.1; the dynamic linker's entry does that and has no unwind data. */
		if (from->bp == 0 && module_list_knows(from->pc))
			return STEP_END;
		return follow_frame_pointer(from, to) ? STEP_ON : STEP_CUT;
	default:
		return step_out_fully(from, to, walk);
	}
	/* The stack grows downwards: a frame that does not shrink it is nonsense. */
	if (cfa <= from->sp || cfa % sizeof(uint64_t) != 0)
		return STEP_CUT;
	to->sp = cfa;
	if (!read_word(from, cfa - 8, &to->pc))
		return STEP_CUT;
	if (rule.kind == UNWIND_BP_DEREF) {
		to->flags |= FRAME_IS_STEP;
		if (!read_word(from, from->bp, &to->bp))
			return STEP_CUT;
	} else if (rule.saves_bp) {
		to->bp_slot = rule.bp_offset;
		to->flags |= FRAME_READS_BP;
		if (!read_word(from, cfa + (uint64_t)(int64_t)rule.bp_offset, &to->bp))
			return STEP_CUT;
	}
	/* makecontext and hand-made coroutine stacks end in a zero return address. */
	return to->pc == 0 ? STEP_END : may_be_code(to->pc) ? STEP_ON : STEP_CUT;
}

/* The same for the frames that nearly all are: a call, CFA by sp or bp, nothing that needs a second
 * look. The slow half does the others from the start. */
static inline enum step step_out(const struct stack_frame *from, struct stack_frame *to,
				 uint32_t unloads, struct unwind_slot **next,
				 struct full_walk *walk)
{
	struct unwind_rule rule = unwind_rule_next(from->pc - 1, unloads, next);
	uint64_t bp, cfa = (rule.kind == UNWIND_SP ? from->sp : from->bp) +
			   (uint64_t)(int64_t)rule.cfa_offset;

	if (__builtin_expect((rule.kind != UNWIND_SP && rule.kind != UNWIND_BP) ||
				     (from->flags & (FRAME_IS_GUESS | FRAME_IS_SIGNAL)) ||
				     cfa - from->sp - 8 > NEAR_BYTES - 8 || cfa % 8 != 0,
			     0))
		return step_out_slow(from, to, unloads, walk);
	to->pc = stack_word(cfa - 8);
	to->sp = cfa;
	/* Without a branch, see needs_bp_inside: a word that is there is read in any case. */
	to->bp_slot = rule.saves_bp ? rule.bp_offset : -8;
	bp = stack_word(cfa + (uint64_t)(int64_t)to->bp_slot);
	to->bp = rule.saves_bp ? bp : from->bp;
	to->flags = (rule.kind == UNWIND_SP ? 0 : FRAME_IS_BY_BP) |
		    (rule.saves_bp ? FRAME_READS_BP : 0);
	if (__builtin_expect(!may_be_code(to->pc), 0))
		return to->pc == 0 ? STEP_END : STEP_CUT;
	return STEP_ON;
}

/* Whether a walk outwards from `frame` finds what it found from `known`, a frame of the last stack. */
static bool has_same_state(const struct stack_frame *known, const struct stack_frame *frame)
{
	return known->pc == frame->pc && known->sp == frame->sp &&
	       (known->bp == frame->bp || !(known->flags & FRAME_NEEDS_BP)) &&
	       ((known->flags ^ frame->flags) & (FRAME_IS_SIGNAL | FRAME_IS_GUESS)) == 0;
}

/* As stack_frames_verify, where some frames have to be stepped to again. */
static __attribute__((noinline)) uint32_t verify_slow(struct stack_trace *trace, uint32_t inner,
						      uint32_t unloads)
{
	struct stack_frame *frames = trace->frames;

	for (uint32_t i = inner; i > 0; i--) {
		struct stack_frame *frame = &frames[i - 1];
		struct stack_frame again;

		if (!(frame->flags & FRAME_IS_STEP)) {
			if (stack_frame_has_changed(frame))
				return i;
		} else if (step_out_slow(&frames[i], &again, unloads, &trace->walk) != STEP_ON ||
			   !has_same_state(frame, &again)) {
			return i;
		} else {
			frame->bp = again.bp;
		}
	}
	return 0;
}

/* frames[inner] is right, and those up to frames[right] but for a bp that nobody needed so far. */
static void read_bp_again(struct stack_frame *frames, uint32_t inner, uint32_t right)
{
	for (uint32_t i = inner; i > right; i--) {
		struct stack_frame *frame = &frames[i - 1];

		if (frame->flags & FRAME_IS_STEP)
			continue; /* it has been made again */
		frame->bp = frame->flags & FRAME_READS_BP
				    ? stack_word(frame->sp + (uint64_t)(int64_t)frame->bp_slot)
				    : frames[i].bp;
	}
}

/* Whether the outermost frame, which is right, is where the thread begins. */
static bool is_outermost(struct stack_trace *trace, uint32_t unloads)
{
	struct stack_frame none;

	return step_out_slow(&trace->frames[0], &none, unloads, &trace->walk) == STEP_END;
}

/* FRAME_NEEDS_BP of the frame inside of one with these flags, or 0. Not with branches: which frames save
 * bp is as good as random. */
static inline uint32_t needs_bp_inside(uint32_t flags)
{
	_Static_assert(FRAME_IS_BY_BP << 1 == FRAME_NEEDS_BP, "shifted onto another");
	_Static_assert(FRAME_READS_BP << 2 == FRAME_NEEDS_BP, "shifted onto another");
	return (flags << 1 | (flags & ~(flags << 2))) & FRAME_NEEDS_BP;
}

/* `needs_bp` is FRAME_NEEDS_BP or 0. */
static inline uint32_t with_needs(uint32_t flags, uint32_t needs_bp)
{
	_Static_assert(FRAME_NEEDS_BP << 1 == FRAME_CHECKS_BP, "shifted onto another");
	_Static_assert(FRAME_READS_BP << 3 == FRAME_CHECKS_BP, "shifted onto another");
	flags &= ~(uint32_t)(FRAME_NEEDS_BP | FRAME_CHECKS_BP);
	return flags | needs_bp | (flags << 3 & needs_bp << 1);
}

/* Stores what frames[from .. to-1] have from those outside of them: their paths, which go on from
 * `path`, and whether their bp is needed. That of the outermost one always is. */
static inline void settle(struct stack_frame *frames, uint32_t from, uint32_t to, uint64_t path,
			  uint32_t needs_bp)
{
	for (uint32_t i = from; i < to; i++) {
		struct stack_frame *frame = &frames[i];
		uint32_t flags = with_needs(frame->flags, needs_bp);

		path = stack_path_of(path, frame->pc, module_list_generation(frame->pc));
		if (__builtin_expect(flags & FRAME_IS_SIGNAL, 0))
			path = stack_path_of(path, SEEP_PC_SIGNAL, 0);
		stack_path_expect(path);
		frame->path = path;
		frame->flags = (uint8_t)flags;
		needs_bp = needs_bp_inside(flags);
	}
}

void stack_capture_find_paths(struct stack_trace *trace)
{
	settle(trace->frames, 0, trace->count,
	       trace->is_cut ? stack_path_of(STACK_PATH_ROOT, SEEP_PC_CUT, 0) : STACK_PATH_ROOT,
	       FRAME_NEEDS_BP);
}

/* Makes the trace of its first `kept` frames and the new ones from `fresh` on, at most `depth`. */
static void put_together(struct stack_trace *trace, uint32_t kept, uint32_t fresh, uint32_t depth)
{
	uint32_t fresh_count = STACK_TRACE_ROOM - fresh, dropped = 0;

	trace->count = kept + fresh_count;
	trace->noded = kept < trace->noded ? kept : trace->noded;
	/* Mostly a few frames, for which a call costs more than the copying. */
	for (uint32_t i = 0; i < fresh_count && kept != fresh; i++)
		trace->frames[kept + i] = trace->frames[fresh + i];
	if (__builtin_expect(trace->count > depth, 0)) {
		dropped = trace->count - depth;
		memmove(trace->frames, &trace->frames[dropped], depth * sizeof(trace->frames[0]));
		trace->count = depth;
		trace->noded = 0;
		trace->is_cut = true;
		trace->is_complete = trace->is_plain = false;
	}
	if (kept == 0 || __builtin_expect(dropped > 0, 0))
		stack_capture_find_paths(trace);
}

/* Whether the last stack's outermost frames, which are right, are those of a new one that has `count`
 * in all. */
static inline bool ends_as_before(struct stack_trace *trace, uint32_t count, uint32_t unloads,
				  uint32_t depth)
{
	if (__builtin_expect(trace->is_complete, 1))
		return __builtin_expect(!trace->ends_in_word, 1) || is_outermost(trace, unloads);
	/* Where it is as long as it may be there is more outside, or it could not be followed, then as
	 * now. */
	return count == depth && !is_outermost(trace, unloads);
}

/* Of a debug build: what frames have from those outside of them agrees with them. */
static void verify_trace(const struct stack_trace *trace, uint32_t depth)
{
	uint64_t path =
		trace->is_cut ? stack_path_of(STACK_PATH_ROOT, SEEP_PC_CUT, 0) : STACK_PATH_ROOT;
	uint32_t needs_bp = FRAME_NEEDS_BP;

	if (!INVARIANTS_ARE_CHECKED)
		return;
	INVARIANT(trace->noded <= trace->count && trace->count <= depth, trace->noded,
		  trace->count);
	INVARIANT(!(trace->is_cut && trace->is_complete), trace->count, depth);
	for (uint32_t i = 0; i < trace->count; i++) {
		const struct stack_frame *frame = &trace->frames[i];

		INVARIANT(frame->flags == with_needs(frame->flags, needs_bp), frame->flags, i);
		INVARIANT(trace->has_steps || !(frame->flags & FRAME_IS_STEP), frame->flags, i);
		needs_bp = needs_bp_inside(frame->flags);
		/* Those that have their node are found by it; a generation may have changed since. */
		if (i < trace->noded || module_list_generation(frame->pc) != 0)
			path = frame->path;
		else
			path = stack_path_of(path, frame->pc, 0);
		if (i >= trace->noded && frame->flags & FRAME_IS_SIGNAL)
			path = stack_path_of(path, SEEP_PC_SIGNAL, 0);
		INVARIANT(path == frame->path, path, i);
	}
}

static inline bool is_plain(const struct stack_trace *trace)
{
	return trace->is_complete && !trace->ends_in_word && !trace->has_steps &&
	       module_list_is_certain(trace->unloads);
}

void stack_capture_waiting(struct stack_trace *trace, uint32_t depth)
{
	uint32_t unloads = atomic_load_explicit(&module_list_unloads, memory_order_acquire);
	struct stack_frame *frames = trace->frames;
	/* Of the last stack, frames[0 .. last-1] may still be met. The new one's are at the end of the
	 * room, frames[fresh ..]; the next one to be looked at is just before them. */
	uint32_t last =
		trace->unloads == unloads && module_list_is_certain(unloads) ? trace->count : 0;
	uint32_t fresh = STACK_TRACE_ROOM;
	struct unwind_slot *next = unwind_line_of(frames[fresh - 1].pc - 1);
	bool has_steps = false;
	enum step step = STEP_ON;

	trace->unloads = unloads;
	trace->walk.from_sp = 0;
	while (step == STEP_ON && STACK_TRACE_ROOM - fresh < depth) {
		struct stack_frame *frame = &frames[fresh - 1];

		while (last > 0 && frames[last - 1].sp < frame->sp)
			last--;
		if (last > 0 && fresh - last >= last && has_same_state(&frames[last - 1], frame)) {
			struct stack_frame *known = &frames[last - 1];
			uint32_t inner = last - 1, right, flags;

			/* The same state, but perhaps read from elsewhere this time. */
			known->bp = frame->bp;
			known->bp_slot = frame->bp_slot;
			flags = with_needs(frame->flags, known->flags & FRAME_NEEDS_BP);
			known->flags = (uint8_t)flags;
			settle(frames, fresh, STACK_TRACE_ROOM, known->path,
			       needs_bp_inside(flags));
			has_steps |= trace->has_steps || (flags & FRAME_IS_STEP);
			right = __builtin_expect(has_steps, 0) ? verify_slow(trace, inner, unloads)
							       : stack_frames_verify(frames, inner);
			if (__builtin_expect(right == 0 &&
						     ends_as_before(trace,
								    last + STACK_TRACE_ROOM - fresh,
								    unloads, depth),
					     1)) {
				trace->is_cut = !trace->is_complete;
				trace->has_steps = has_steps;
				trace->is_plain = is_plain(trace);
				if (fresh == STACK_TRACE_ROOM && last <= depth) {
					/* Nothing but a part of the last stack. */
					trace->count = last;
					trace->noded = last < trace->noded ? last : trace->noded;
				} else {
					put_together(trace, last, fresh, depth);
				}
				verify_trace(trace, depth);
				return;
			}
			/* Right up to frames[right], and to be walked on from there. */
			read_bp_again(frames, inner, right);
			fresh -= last - right;
			memmove(&frames[fresh], &frames[right], (last - right) * sizeof(frames[0]));
			last = right > 0 ? right - 1 : 0;
		} else {
			has_steps |= (frame->flags & FRAME_IS_STEP) != 0;
			fresh--;
		}
		if (fresh == last)
			last = 0; /* no room: do without */
		step = step_out(&frames[fresh], &frames[fresh - 1], unloads, &next, &trace->walk);
	}
	trace->is_complete = step == STEP_END;
	/* A return address of zero: only then is it known where it was. */
	trace->ends_in_word = trace->is_complete && frames[fresh - 1].sp != 0;
	trace->is_cut = step != STEP_END;
	trace->has_steps = has_steps;
	trace->is_plain = is_plain(trace);
	put_together(trace, 0, fresh, depth);
	verify_trace(trace, depth);
}
