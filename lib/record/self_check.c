/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check: --selfcheck, captured stacks compared with libunwind's in the running program.
 *
 * libunwind walks from our own frame, so the registers with which a door began are compared too.
 * Its frames inside of the caller's are ours and are passed over.
 *
 * It needs more stack than a guest may take, and locks that it may not be interrupted in. So it runs
 * on a stack of ours with all signals blocked: threads with small stacks and handlers on alternate
 * stacks are checked like all others. A thread that is in it while another one forks leaves its
 * locks in an unknown state; in such a child nothing is checked any more.
 *
 *   Runs in   the target, after a capture; self_check_read in whoever takes a snapshot
 *   Locks     none; libunwind's own
 *   Memory    region: a page of results (wiped on fork), and 90 KiB for each thread that is
 *             checking at the same time
 *   Calls     oracle, call_tree; rt_sigprocmask
 *   Failure   the capture is not compared, and counted as skipped
 */
#include "lib/record/self_check.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/record/call_tree.h"
#include "lib/record/thread_state.h"

#include "lib/base/poison.h"

/* Of which libunwind 1.6.2 uses 2 KiB. */
#define STACK_BYTES (64u << 10)
#define WORKPLACES 32u
/* Frames of ours between a door's caller and the frame that asks. */
#define INNER_FRAMES_MAX 16u
#define RANDOM_FACTOR 6364136223846793005ull /* Knuth, The Art of Computer Programming 2, 3.3.4 */

__thread bool self_check_is_asking;

/* Where one thread at a time is asking. */
struct workplace {
	struct oracle_walk walk;
	struct stack_trace stack; /* libunwind's */
	char call_stack[STACK_BYTES] __attribute__((aligned(64)));
};

static struct workplace *_Atomic workplaces[WORKPLACES];
static _Atomic(uint32_t) taken_workplaces; /* a bit for each */

/* Written by all threads, read by whoever takes a snapshot. */
static struct {
	_Atomic(uint64_t) outcomes[SELF_CHECK_OUTCOMES];
	_Atomic(uint64_t) skipped;
	struct {
		_Atomic(uint64_t) stacks; /* ours << 32 | libunwind's; 0: free */
		_Atomic(uint64_t) count;
		_Atomic(uint32_t) thread_id;
	} differences[SELF_CHECK_DIFFERENCES_MAX];
} * results;

static _Atomic(uint32_t) state = SELF_CHECK_HAS_NO_LIBUNWIND;

static __thread uint32_t captures_left; /* before the next one that is compared */
static __thread uint64_t random_state;

/* A question, while it is asked and answered. */
struct question {
	struct oracle_registers from;
	const struct stack_trace *ours;
	struct caller caller;
	uint32_t stack;
	uint64_t pseudo_pc;
	struct workplace *workplace;
};

const char *self_check_start(void)
{
	int program_errno = errno;
	const char *problem;

	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL ||
	    (results = region_map(sizeof(*results), REGION_WIPED_ON_FORK)) == NULL)
		return "has no memory";
	self_check_is_asking = true;
	problem = oracle_open();
	self_check_is_asking = false;
	errno = program_errno;
	if (problem == NULL)
		atomic_store(&state, SELF_CHECK_AT_WORK);
	return problem;
}

/* How many captures to leave out before the next: 2N - 2 at most, N - 1 on average. */
static uint32_t random_distance(void)
{
	random_state = random_state * RANDOM_FACTOR + 1;
	return (uint32_t)((random_state >> 32) * (2 * (uint64_t)options.selfcheck_one_in - 1) >>
			  32);
}

static bool is_turn(void)
{
	if (random_state == 0) {
		random_state = sys_tid();
		captures_left = random_distance();
	}
	if (captures_left > 0) {
		captures_left--;
		return false;
	}
	captures_left = random_distance();
	return true;
}

static struct workplace *take_workplace(uint32_t *index)
{
	uint32_t taken = atomic_load(&taken_workplaces);
	struct workplace *place, *none = NULL;

	do {
		if (taken == UINT32_MAX)
			return NULL;
		*index = (uint32_t)__builtin_ctz(~taken);
	} while (!atomic_compare_exchange_weak(&taken_workplaces, &taken, taken | 1u << *index));
	place = atomic_load(&workplaces[*index]);
	if (place == NULL) {
		place = region_map(sizeof(*place), REGION_KEPT_ON_FORK);
		if (place == NULL ||
		    !atomic_compare_exchange_strong(&workplaces[*index], &none, place))
			place = NULL;
	}
	if (place == NULL)
		atomic_fetch_and(&taken_workplaces, ~(1u << *index));
	return place;
}

enum self_check_outcome self_check_compare(const struct stack_trace *ours, uint32_t depth,
					   const struct stack_trace *libunwinds,
					   enum oracle_step end)
{
	uint32_t common = ours->count < libunwinds->count ? ours->count : libunwinds->count;

	for (uint32_t i = 1; i <= common; i++) {
		const struct stack_frame *our = &ours->frames[ours->count - i];
		const struct stack_frame *other = &libunwinds->frames[libunwinds->count - i];

		if (our->pc != other->pc || ((our->flags ^ other->flags) & FRAME_IS_SIGNAL) != 0)
			return SELF_CHECK_DIFFERENT;
	}
	if (libunwinds->count < ours->count)
		return end == ORACLE_LOST ? SELF_CHECK_GAVE_UP : SELF_CHECK_DIFFERENT;
	if (ours->is_cut && ours->count >= depth)
		return SELF_CHECK_EQUAL;
	if (libunwinds->count > ours->count)
		return ours->is_cut ? SELF_CHECK_CUT : SELF_CHECK_DIFFERENT;
	return ours->is_cut && end == ORACLE_END ? SELF_CHECK_CUT : SELF_CHECK_EQUAL;
}

/* Goes to the frame that called the door, or, where that does not exist for libunwind, to the next
 * one outside of it. */
static enum oracle_step find_caller(struct oracle_walk *walk, uint64_t sp,
				    struct oracle_frame *frame)
{
	enum oracle_step step = ORACLE_LOST;

	for (uint32_t i = 0; i < INNER_FRAMES_MAX; i++) {
		step = oracle_step(walk, frame);
		if (step != ORACLE_ON || frame->sp >= sp)
			return step;
	}
	return ORACLE_LOST;
}

/* Adds frames at the lower end of the trace's room until there are `limit`. */
static enum oracle_step walk_on(struct workplace *place, struct oracle_frame *frame,
				enum oracle_step step, uint32_t limit)
{
	struct stack_trace *stack = &place->stack;

	while (step == ORACLE_ON && stack->count < limit) {
		struct stack_frame *added = &stack->frames[STACK_TRACE_ROOM - ++stack->count];

		*added = (struct stack_frame){.pc = frame->pc,
					      .sp = frame->sp,
					      .flags = frame->is_interrupted ? FRAME_IS_SIGNAL : 0};
		step = oracle_step(&place->walk, frame);
	}
	return step;
}

/* The frames as a trace has them. */
static void move_to_front(struct stack_trace *stack)
{
	memmove(stack->frames, &stack->frames[STACK_TRACE_ROOM - stack->count],
		stack->count * sizeof(stack->frames[0]));
}

static void note_difference(uint32_t ours, uint32_t libunwinds)
{
	uint64_t stacks = (uint64_t)ours << 32 | libunwinds;

	for (uint32_t i = 0; i < SELF_CHECK_DIFFERENCES_MAX; i++) {
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&results->differences[i].stacks, &found, stacks))
			atomic_store(&results->differences[i].thread_id, sys_tid());
		if (found == 0 || found == stacks) {
			atomic_fetch_add(&results->differences[i].count, 1);
			return;
		}
	}
}

static void answer(void *argument)
{
	struct question *question = argument;
	struct workplace *place = question->workplace;
	const struct stack_trace *ours = question->ours;
	struct stack_trace *stack = &place->stack;
	uint32_t depth = options.stack_depth;
	enum self_check_outcome outcome;
	struct oracle_frame frame;
	enum oracle_step end;

	memset(stack, 0, offsetof(struct stack_trace, frames));
	oracle_begin(&place->walk, &question->from);
	end = find_caller(&place->walk, question->caller.sp, &frame);
	end = walk_on(place, &frame, end,
		      ours->is_cut && ours->count >= depth ? depth : ours->count + 1);
	move_to_front(stack);
	outcome = self_check_compare(ours, depth, stack, end);
	atomic_fetch_add(&results->outcomes[outcome], 1);
	if (outcome != SELF_CHECK_DIFFERENT)
		return;
	/* For the report, all that libunwind knows. */
	memmove(&stack->frames[STACK_TRACE_ROOM - stack->count], stack->frames,
		stack->count * sizeof(stack->frames[0]));
	end = walk_on(place, &frame, end, OPTIONS_STACK_DEPTH_MAX);
	move_to_front(stack);
	stack->is_cut = end != ORACLE_END;
	stack->unloads = ours->unloads;
	stack_capture_find_paths(stack);
	note_difference(question->stack, call_tree_stack_slow(stack, question->pseudo_pc));
}

/* Calls function(argument) on another stack. Its own frame is found through the frame pointer
 * meanwhile. */
static __attribute__((noinline)) void call_on_stack(void *end_of_stack, void (*function)(void *),
						    void *argument)
{
#if defined(__x86_64__)
	void *volatile frame = __builtin_frame_address(0);

	(void)frame;
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %[stack], %%rsp\n\t"
			 "call *%[function]\n\t"
			 "movq %%rbx, %%rsp"
			 : "+D"(argument), [stack] "+S"(end_of_stack), [function] "+d"(function)
			 :
			 : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0",
			   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
			   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#else
	(void)end_of_stack;
	function(argument);
#endif
}

__attribute__((noinline)) void self_check_slow(const struct stack_trace *trace,
					       struct caller caller, uint32_t stack,
					       uint64_t pseudo_pc)
{
	struct question question = {.from = ORACLE_REGISTERS_HERE(),
				    .ours = trace,
				    .caller = caller,
				    .stack = stack,
				    .pseudo_pc = pseudo_pc};
	uint64_t all = ~0ull, mask;
	uint32_t index;
	int program_errno;

	if (results == NULL || !is_turn())
		return;
	if (atomic_load(&state) != SELF_CHECK_AT_WORK) {
		atomic_fetch_add(&results->skipped, 1);
		return;
	}
	/* First of all, so that no handler forks while a workplace is taken. */
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(all));
	question.workplace = take_workplace(&index);
	if (question.workplace == NULL) {
		atomic_fetch_add(&results->skipped, 1);
	} else {
		program_errno = errno;
		self_check_is_asking = true;
		call_on_stack(question.workplace->call_stack + STACK_BYTES, answer, &question);
		self_check_is_asking = false;
		errno = program_errno;
		atomic_fetch_and(&taken_workplaces, ~(1u << index));
	}
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
}

void self_check_read(struct self_check_results *read)
{
	memset(read, 0, sizeof(*read));
	if (results == NULL)
		return;
	read->state = atomic_load(&state);
	read->skipped = atomic_load(&results->skipped);
	for (int i = 0; i < SELF_CHECK_OUTCOMES; i++)
		read->outcomes[i] = atomic_load(&results->outcomes[i]);
	for (uint32_t i = 0; i < SELF_CHECK_DIFFERENCES_MAX; i++) {
		uint64_t stacks = atomic_load(&results->differences[i].stacks);

		if (stacks == 0)
			break;
		struct self_check_difference *difference =
			&read->differences[read->difference_count++];
		difference->ours = (uint32_t)(stacks >> 32);
		difference->libunwinds = (uint32_t)stacks;
		difference->thread_id = atomic_load(&results->differences[i].thread_id);
		difference->count = atomic_load(&results->differences[i].count);
	}
}

void self_check_postfork_child(void)
{
	if (atomic_exchange(&taken_workplaces, 0) != 0)
		atomic_store(&state, SELF_CHECK_OVER);
}
