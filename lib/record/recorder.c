/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder: what happens at each allocation and each free.
 *
 *   Runs in   the target, inside malloc and free, in every thread and in signal handlers
 *   Locks     those of the side table and the map table
 *   Memory    see the tables
 *   Calls     see the tables; only raw system calls, so errno stays as it is
 *   Failure   counted: lost_blocks, lost_stacks, cut_stacks
 */
#include "lib/record/recorder.h"

#include <stddef.h>

#include "lib/base/life.h"
#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/free_pairs.h"
#include "lib/record/free_turn.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/record/module_list.h"
#include "lib/record/sample_sums.h"
#include "lib/record/sampler.h"
#include "lib/record/self_check.h"
#include "lib/record/side_table.h"
#include "lib/record/site_counters.h"
#include "lib/record/stray_free.h"
#include "lib/record/thread_state.h"
#include "lib/record/unwind_rules.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

_Atomic(uint32_t) epoch_current = 1;
uint32_t recorder_inherited_epoch;
_Atomic(uint64_t) recorder_unseen_frees;
_Atomic(bool) recorder_has_ignored;

bool recorder_start(void)
{
	return unwind_rules_start() && call_tree_start() && live_table_start() &&
	       sample_sums_start();
}

static uint32_t epoch_of_birth(void)
{
	uint32_t epoch = epoch_now();

	return epoch < LIVE_BLOCK_EPOCH_MAX ? epoch : LIVE_BLOCK_EPOCH_MAX;
}

static inline __attribute__((always_inline)) uint32_t
capture(struct stack_trace *trace, struct caller caller, uint64_t pseudo_pc)
{
	uint32_t stack;

	stack_capture(trace, caller, options.stack_depth);
	stack = call_tree_stack(trace, pseudo_pc);
	self_check(trace, caller, stack, pseudo_pc);
	return stack;
}

/* The stack of this allocation; `pseudo_pc` is its innermost frame when it is not 0. */
static inline __attribute__((always_inline)) uint32_t
stack_of(struct thread_state *thread, struct caller caller, uint64_t pseudo_pc)
{
	struct stack_trace *trace = thread_state_trace_here;
	uint32_t stack = capture(trace, caller, pseudo_pc);

	if (__builtin_expect(trace->is_cut || stack == CALL_TREE_NO_ROOM, 0)) {
		thread->counts[0][COUNT_CUT_STACKS] += trace->is_cut;
		thread->counts[0][COUNT_LOST_STACKS] += stack == CALL_TREE_NO_ROOM;
	}
	return stack;
}

/* False: the block was inherited over a fork. */
static inline bool count_free(const struct guard *guard, uint64_t bytes, uint32_t epoch)
{
	if (__builtin_expect(epoch <= recorder_inherited_epoch, 0)) {
		guard_count(guard, COUNT_INHERITED_FREES, 1);
		return false;
	}
	guard_count(guard, COUNT_FREES, 1);
	guard_count(guard, COUNT_FREED_BYTES, bytes);
	return true;
}

/* Who frees this block is kept. Not for a signal handler that has interrupted the library: the thread's
 * last trace and its countdown are in use. */
static __attribute__((noinline)) void ask_slow(uint32_t allocated_by, struct caller caller)
{
	free_pairs_add(allocated_by, capture(thread_state_trace_here, caller, 0));
}

/* As count_free, for one whose turn is looked at here: whether it is a sample. */
static bool count_and_take_turn(const struct guard *guard, const struct live_block *block)
{
	return count_free(guard, block->bytes, block->epoch) && !guard->is_nested &&
	       free_turn_take(guard->thread, block);
}

/* Puts a block into the table; false when it is lost. */
static __attribute__((noinline)) bool put_slow(const struct guard *guard, uint64_t addr,
					       const struct live_block *block)
{
	struct live_block old;

	switch (live_table_add(guard, addr, block, &old)) {
	case LIVE_TABLE_REPLACED:
		atomic_fetch_add(&recorder_unseen_frees, 1);
		count_free(guard, old.bytes, old.epoch);
		return true;
	case LIVE_TABLE_ADDED:
		return true;
	default:
		guard_count(guard, COUNT_LOST_BLOCKS, 1);
		return false;
	}
}

/* What recorder_add does where it is not the usual case: in a signal handler that interrupted the
 * library, so that the last trace and the thread's counters are in use, or without memory. */
static __attribute__((noinline)) void add_nested_slow(const struct guard *guard, uint64_t addr,
						      uint64_t bytes, enum block_kind kind)
{
	const struct live_block block = {
		.bytes = bytes, .kind = kind, .stack = CALL_TREE_NESTED, .epoch = epoch_of_birth()};

	if (guard->thread == NULL) {
		atomic_fetch_add(&thread_state_lost_blocks, 1);
		return;
	}
	if (self_check_is_asking)
		return; /* libunwind's own */
	guard_count(guard, COUNT_LOST_STACKS, 1);
	if (!put_slow(guard, addr, &block))
		return;
	site_counters_add(guard, block.stack, bytes);
	guard_count(guard, COUNT_ALLOCATED_BYTES, bytes);
	guard_count(guard, COUNT_ALLOCATIONS, 1);
}

/* The library is born, and finds out whether this process samples: then the door did not know it. */
static __attribute__((noinline)) bool wakes_to_add_slow(const void *ptr, uint64_t bytes,
							enum block_kind kind, struct caller caller)
{
	if (!life_wake_slow())
		return false;
	if (!sampler_is_on)
		return true;
	if (sampler_takes_slow(bytes))
		recorder_add_sample(ptr, bytes, kind, caller);
	return false;
}

/* The stack is new to this thread. Who frees its first block is to be asked. */
static __attribute__((noinline)) void ask_first_slow(struct thread_state *thread, uint64_t addr,
						     uint32_t stack)
{
	if (free_turn_asks_first(thread, stack)) {
		thread->asked++;
		live_table_ask(addr);
	}
	thread->newest_stack = stack;
}

static inline __attribute__((always_inline)) void add(struct thread_state *thread, uint64_t addr,
						      uint64_t bytes, enum block_kind kind,
						      struct caller caller)
{
	uint32_t epoch, stack;

	live_table_expect_add(addr);
	stack = stack_of(thread, caller, 0);
	epoch = epoch_of_birth();
	/* A signal handler that interrupts an operator new must not be taken for what is inside. */
	thread->last_added = addr;
	thread->last_added_bytes = bytes;
	if (__builtin_expect(!live_table_add_fast(addr, bytes, stack, epoch, kind), 0)) {
		const struct live_block block = {
			.bytes = bytes,
			.kind = kind | (free_turn_asks_first(thread, stack) ? BLOCK_IS_ASKED : 0),
			.stack = stack,
			.epoch = epoch};
		const struct guard guard = guard_outermost(thread);

		if (!put_slow(&guard, addr, &block))
			return;
	}
	if (site_counters_add_own(thread, stack, bytes) && stack > thread->newest_stack)
		ask_first_slow(thread, addr, stack);
	thread->counts[0][COUNT_ALLOCATED_BYTES] += bytes;
	thread->counts[0][COUNT_ALLOCATIONS]++;
	if (__builtin_expect((thread->counts[0][COUNT_ALLOCATIONS] & LIFE_TICK_MASK) == 0, 0))
		life_tick_slow();
}

static enum block_kind note_ignored(void)
{
	atomic_store_explicit(&recorder_has_ignored, true, memory_order_relaxed);
	return BLOCK_IGNORED;
}

static __attribute__((noinline)) void add_slow(uint64_t addr, uint64_t bytes, enum block_kind kind,
					       struct caller caller)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	if (guard_ignores(&guard))
		kind = note_ignored();
	if (guard.is_nested)
		add_nested_slow(&guard, addr, bytes, kind);
	else
		add(guard.thread, addr, bytes, kind, caller);
}

void recorder_add_from(const void *ptr, uint64_t bytes, enum block_kind kind, uint64_t pc,
		       uint64_t sp, uint64_t bp)
{
	const struct caller caller = {.pc = pc, .sp = sp, .bp = bp};
	struct thread_state *thread;

	if (__builtin_expect(*life_switch_word != LIFE_ON, 0) &&
	    !wakes_to_add_slow(ptr, bytes, kind, caller))
		return;
	thread = guard_enter_outermost();
	if (__builtin_expect(thread == NULL, 0)) {
		add_slow((uint64_t)ptr, bytes, kind, caller);
		return;
	}
	add(thread, (uint64_t)ptr, bytes, kind, caller);
	guard_leave_outermost(thread);
}

static __attribute__((noinline)) uint32_t remove_slow(uint64_t addr)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block;

	module_list_forget(addr);
	if (guard.thread == NULL || !live_table_remove(&guard, addr, &block))
		return RECORDER_UNKNOWN;
	return count_and_take_turn(&guard, &block) ? block.stack : RECORDER_REMOVED;
}

/* The rest of recorder_remove where the thread's countdown has passed 0. */
static __attribute__((noinline)) uint32_t take_turn_slow(struct thread_state *thread,
							 uint32_t stack)
{
	bool is_turn = free_turn_take_slow(thread);

	guard_leave_outermost(thread);
	return is_turn ? stack : RECORDER_REMOVED;
}

uint32_t recorder_remove(const void *ptr)
{
	struct thread_state *thread;
	uint64_t word;

	if (!life_is_on())
		return RECORDER_UNKNOWN;
	thread = guard_enter_outermost();
	if (__builtin_expect(thread == NULL, 0))
		return remove_slow((uint64_t)ptr);
	word = live_table_remove_fast((uint64_t)ptr);
	if (__builtin_expect(word == 0, 0)) {
		guard_leave_outermost(thread);
		return remove_slow((uint64_t)ptr);
	}
	const struct guard guard = guard_outermost(thread);
	if (count_free(&guard, live_word_bytes(word), live_word_epoch(word)) &&
	    free_turn_is_near(thread))
		return take_turn_slow(thread, live_word_stack(word));
	guard_leave_outermost(thread);
	return RECORDER_REMOVED;
}

void recorder_ask_free(uint32_t allocated_by, struct caller caller)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (!guard.is_nested)
		ask_slow(allocated_by, caller);
}

/* ---- in a process that samples ----------------------------------------------------------------- */

static bool count_sample_free(const struct guard *guard, uint64_t addr,
			      const struct live_block *block)
{
	sampler_filter_remove(addr);
	sample_sums_remove(sample_weight_of(block->bytes, sampler_mean_bytes),
			   block->epoch <= recorder_inherited_epoch);
	return count_free(guard, block->bytes, block->epoch);
}

/* Samples are rare: each of them is asked. */
static void note_sample_free(const struct guard *guard, uint64_t addr,
			     const struct live_block *block, struct caller caller)
{
	if (count_sample_free(guard, addr, block) && !guard->is_nested)
		ask_slow(block->stack, caller);
}

void recorder_add_sample(const void *ptr, uint64_t bytes, enum block_kind kind,
			 struct caller caller)
{
	struct live_block block = {.bytes = bytes, .kind = kind, .stack = CALL_TREE_NESTED}, old;
	uint64_t addr = (uint64_t)ptr;

	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL) {
		atomic_fetch_add(&thread_state_lost_blocks, 1);
		return;
	}
	if (!guard.is_nested)
		block.stack = stack_of(guard.thread, caller, 0);
	else if (self_check_is_asking)
		return; /* libunwind's own */
	guard_count(&guard, COUNT_LOST_STACKS, guard.is_nested);
	block.epoch = epoch_of_birth();
	if (!guard.is_nested) {
		guard.thread->last_added = addr;
		guard.thread->last_added_bytes = bytes;
	}
	switch (live_table_add(&guard, addr, &block, &old)) {
	case LIVE_TABLE_REPLACED:
		atomic_fetch_add(&recorder_unseen_frees, 1);
		count_sample_free(&guard, addr, &old);
		break;
	case LIVE_TABLE_ADDED:
		break;
	default:
		guard_count(&guard, COUNT_LOST_BLOCKS, 1);
		return;
	}
	sampler_filter_add(addr);
	sample_sums_add(block.stack, sample_weight_of(bytes, sampler_mean_bytes));
	guard_count(&guard, COUNT_ALLOCATED_BYTES, bytes);
	guard_count(&guard, COUNT_ALLOCATIONS, 1);
	/* Samples are rare: each of them is an occasion. */
	if (!guard.is_nested)
		life_tick_slow();
}

bool recorder_remove_sample(const void *ptr, struct caller caller)
{
	struct live_block block;

	if (!life_is_on())
		return false;
	GUARD_SCOPE struct guard guard = guard_enter();
	module_list_forget((uint64_t)ptr);
	if (guard.thread == NULL || !live_table_remove(&guard, (uint64_t)ptr, &block))
		return false;
	note_sample_free(&guard, (uint64_t)ptr, &block, caller);
	return true;
}

/* In a child that a signal handler has forked meanwhile nothing is known of the move. */
static void end_move(struct thread_state *thread)
{
	if (thread->moving > 0)
		thread->moving--;
}

void recorder_taken_sample_is_freed(const void *ptr, const struct live_block *block,
				    struct caller caller)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL)
		return;
	end_move(guard.thread);
	note_sample_free(&guard, (uint64_t)ptr, block, caller);
}

void recorder_taken_sample_is_moved(const void *ptr, const struct live_block *block)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL)
		return;
	end_move(guard.thread);
	count_sample_free(&guard, (uint64_t)ptr, block);
}

void recorder_pass_block(const void *ptr, uint64_t bytes)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.is_nested)
		return;
	guard.thread->last_added = (uint64_t)ptr;
	guard.thread->last_added_bytes = bytes;
}

/* ---- realloc ------------------------------------------------------------------------------------ */

bool recorder_take(const void *ptr, struct live_block *block)
{
	if (!life_is_on())
		return false;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL)
		return false;
	if (!live_table_remove(&guard, (uint64_t)ptr, block))
		return false;
	if (guard.thread->moving++ == 0)
		NOTE_OWN_SP(guard.thread->moving_sp);
	return true;
}

void recorder_count_unknown_free(void)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread != NULL && !self_check_is_asking)
		guard_count(&guard, COUNT_UNKNOWN_FREES, 1);
}

struct stray_free *recorder_begin_unknown_free(const void *ptr, struct caller caller)
{
	if (!life_is_on())
		return NULL;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL || self_check_is_asking)
		return NULL;
	guard_count(&guard, COUNT_UNKNOWN_FREES, 1);
	if (guard.is_nested || !stray_free_is_wanted())
		return NULL;
	/* A vfork child may end here, and the note would stay in the memory of its parent, which goes on. */
	if (guard.thread->owner_tid != sys_tid())
		return NULL;
	return stray_free_begin((uint64_t)ptr, capture(thread_state_trace_here, caller, 0),
				guard.thread->owner_tid);
}

void recorder_put_back(const void *ptr, const struct live_block *block)
{
	struct live_block old;

	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL ||
	    live_table_add(&guard, (uint64_t)ptr, block, &old) == LIVE_TABLE_LOST)
		atomic_fetch_add(&thread_state_lost_blocks, 1);
	if (guard.thread != NULL)
		end_move(guard.thread);
}

void recorder_taken_is_moved(const struct live_block *block)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL)
		return;
	end_move(guard.thread);
	count_free(&guard, block->bytes, block->epoch);
}

void recorder_taken_is_freed(const struct live_block *block, struct caller caller)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL)
		return;
	end_move(guard.thread);
	if (count_and_take_turn(&guard, block))
		ask_slow(block->stack, caller);
}

bool recorder_has_just_added(const void *ptr, uint64_t bytes)
{
	struct thread_state *thread = thread_state_here;
	uint64_t addr = (uint64_t)ptr;

	/* Also when a signal handler has added something since. */
	if (life_is_on() && live_table_has(addr))
		return true;

	/* An operator new may put a small header before what it gives out. */
	return thread != NULL && addr >= thread->last_added &&
	       addr - thread->last_added <= OPERATOR_HEADER_BYTES &&
	       addr + bytes <= thread->last_added + thread->last_added_bytes &&
	       thread->last_added_bytes - bytes <= 2 * OPERATOR_HEADER_BYTES;
}

void recorder_expect_add(void)
{
	struct thread_state *thread = thread_state_here;

	if (thread != NULL)
		thread->last_added = 0;
}

const void *recorder_expect_free(const void *ptr)
{
	struct thread_state *thread = thread_state_here;
	const void *before = NULL;

	if (thread != NULL) {
		before = (const void *)thread->last_removed;
		thread->last_removed = (uint64_t)ptr;
	}
	return before;
}

bool recorder_was_expected(const void *ptr)
{
	struct thread_state *thread = thread_state_here;

	return thread != NULL && thread->last_removed == (uint64_t)ptr;
}

bool recorder_ignore(const void *ptr)
{
	if (!life_is_on())
		return false;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL || !live_table_ignore(&guard, (uint64_t)ptr))
		return false;
	note_ignored();
	return true;
}

void recorder_add_mapping(const void *start, uint64_t bytes, uint64_t pc, struct caller caller)
{
	struct live_block block = {.bytes = bytes};

	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread == NULL || self_check_is_asking)
		return;
	if (guard.is_nested)
		block.stack = CALL_TREE_NESTED;
	else
		block.stack = stack_of(guard.thread, caller, pc);
	guard_count(&guard, COUNT_LOST_STACKS, guard.is_nested);
	block.epoch = epoch_of_birth();
	if (map_table_add(&guard, (uint64_t)start, &block))
		site_counters_add(&guard, block.stack, bytes);
	else
		guard_count(&guard, COUNT_LOST_BLOCKS, 1);
}

void recorder_remove_mapping(const void *start, uint64_t bytes)
{
	if (!life_is_on())
		return;
	GUARD_SCOPE struct guard guard = guard_enter();
	if (guard.thread != NULL)
		map_table_remove(&guard, (uint64_t)start, bytes);
}

void recorder_leave(uint64_t sp)
{
	struct thread_state *thread = thread_state_here;

	if (thread != NULL)
		stray_free_leave(thread->owner_tid);
	if (thread == NULL || thread->owner_tid == 0 ||
	    ((thread->inside & ~THREAD_IGNORES) == 0 && thread->moving == 0) ||
	    !thread_state_leave(thread, sp))
		return;
	self_check_is_asking = false;
	side_table_leave(thread->owner_tid);
	map_table_leave(thread->owner_tid);
	module_list_leave(thread->owner_tid);
	lock_note_left();
	atomic_signal_fence(memory_order_seq_cst);
	thread->inside &= THREAD_IGNORES;
}

void recorder_postfork_child(void)
{
	side_table_postfork_child();
	map_table_postfork_child();
	self_check_postfork_child();
	module_list_postfork_child();
	sampler_postfork_child();
	free_pairs_postfork_child();
	stray_free_postfork_child();
	atomic_store(&thread_state_lost_blocks, 0);
	atomic_store(&recorder_unseen_frees, 0);
	/* What was born up to now belongs to the parent; our own blocks are born from the next
	 * epoch on. */
	recorder_inherited_epoch = epoch_of_birth();
	atomic_fetch_add(&epoch_current, 1);
}
