/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_head: what a snapshot says of the process as a whole.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static
 *   Calls     what process_facts, memory_limit and heap_memory call
 *   Failure   a figure that cannot be had is 0
 */
#include "lib/snapshot/snapshot_head.h"

#include "lib/base/options.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/record/recorder.h"
#include "lib/record/sample_sums.h"
#include "lib/record/sample_weight.h"
#include "lib/record/sampler.h"
#include "lib/record/thread_state.h"
#include "lib/snapshot/heap_memory.h"
#include "lib/snapshot/memory_limit.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_reason.h"

#include "lib/base/poison.h"

#define HEAP_INLINE_NS 1000000ull
#define SHARE_OF_TIME 20 /* snapshots that look at pages take at most a 20th of it */

static struct heap_memory heap;	    /* what the last one found that looked at pages, */
static uint64_t looked_ns, took_ns; /* when it did, and its whole duration */

/* What happened in this process. */
struct block_counts {
	uint64_t allocations, allocated_bytes, frees, freed_bytes, inherited_frees;
};

/* What is live has been rounded site by site, so in an exact snapshot frees are what is left. */
static void settle(uint64_t own, uint64_t *allocations, uint64_t *frees)
{
	if (*allocations < own)
		*allocations = own;
	*frees = *allocations - own;
}

static struct block_counts block_counts(const struct site_totals *totals, bool is_quiet)
{
	struct sample_sums sums = sample_sums_read();
	struct block_counts counts = {
		.allocations = thread_state_sum(COUNT_ALLOCATIONS),
		.allocated_bytes = thread_state_sum(COUNT_ALLOCATED_BYTES),
		.frees = thread_state_sum(COUNT_FREES),
		.freed_bytes = thread_state_sum(COUNT_FREED_BYTES),
		.inherited_frees = thread_state_sum(COUNT_INHERITED_FREES),
	};

	if (!sampler_is_on)
		return counts;
	counts = (struct block_counts){
		.allocations = sample_round(sums.allocated.blocks, SAMPLE_BLOCK_BITS),
		.allocated_bytes = sample_round(sums.allocated.bytes, SAMPLE_BYTE_BITS),
		.frees = sample_round(sums.freed.blocks, SAMPLE_BLOCK_BITS),
		.freed_bytes = sample_round(sums.freed.bytes, SAMPLE_BYTE_BITS),
		.inherited_frees = sample_round(sums.inherited_freed.blocks, SAMPLE_BLOCK_BITS),
	};
	if (!is_quiet)
		return counts;
	settle(totals->live_blocks - totals->inherited_blocks, &counts.allocations, &counts.frees);
	settle(totals->live_bytes - totals->inherited_bytes, &counts.allocated_bytes,
	       &counts.freed_bytes);
	return counts;
}

/* A thread of the program that takes the snapshot itself, and has more to do, is not kept for this, too. */
static struct heap_memory heap_of(const struct site_totals *totals,
				  enum seep_snapshot_reason reason, bool is_quiet)
{
	bool is_inline = !is_quiet && !snapshot_reason_is_last(reason) &&
			 sys_pid() == process_facts.pid &&
			 options.snapshots_by != SNAPSHOTS_BY_THREAD;

	return heap_memory_read(&totals->fill,
				is_inline ? sys_clock_ns(CLOCK_MONOTONIC) + HEAP_INLINE_NS : 0);
}

bool snapshot_head_looks_at_pages(enum seep_snapshot_reason reason, uint64_t time_ns)
{
	return snapshot_reason_is_last(reason) || time_ns - looked_ns >= SHARE_OF_TIME * took_ns;
}

void snapshot_head_note_look(uint64_t time_ns, uint64_t duration_ns)
{
	looked_ns = time_ns;
	took_ns = duration_ns;
}

struct seep_snapshot snapshot_head(const struct site_totals *totals, uint32_t number,
				   enum seep_snapshot_reason reason, bool is_quiet,
				   bool looked_at_pages)
{
	struct process_memory memory = process_memory_read();
	struct memory_limit limit = memory_limit_read(&memory, is_quiet);
	struct block_counts counts = block_counts(totals, is_quiet);

	if (looked_at_pages)
		heap = heap_of(totals, reason, is_quiet);
	return (struct seep_snapshot){
		.struct_bytes = sizeof(struct seep_snapshot),
		.number = number,
		.epoch = totals->epoch,
		.reason = (uint16_t)reason,
		.flags = is_quiet ? 0 : SEEP_SNAPSHOT_IS_FUZZY,
		.threads = is_quiet ? 0 : thread_state_alive(process_facts.pid),
		.live_bytes = totals->live_bytes,
		.live_blocks = totals->live_blocks,
		.allocations = counts.allocations,
		.allocated_bytes = counts.allocated_bytes,
		.frees = counts.frees,
		.freed_bytes = counts.freed_bytes,
		.inherited_blocks = totals->inherited_blocks,
		.inherited_bytes = totals->inherited_bytes,
		.inherited_frees = counts.inherited_frees,
		.unknown_frees = thread_state_sum(COUNT_UNKNOWN_FREES),
		.mapped_bytes = totals->mapped_bytes,
		.lost_blocks = thread_state_sum(COUNT_LOST_BLOCKS),
		.lost_stacks = thread_state_sum(COUNT_LOST_STACKS),
		.cut_stacks = thread_state_sum(COUNT_CUT_STACKS),
		.rss_bytes = memory.rss_bytes,
		.swap_bytes = memory.swap_bytes,
		.vm_bytes = memory.vm_bytes,
		.own_bytes = region_resident_bytes(),
		.limit_bytes = limit.bytes,
		.limit_used_bytes = limit.used_bytes,
		.limit_kind = limit.kind,
		.anonymous_bytes = memory.anonymous_bytes,
		.data_bytes = memory.data_bytes,
		.heap_bytes = heap.bytes,
		.heap_resident_bytes = heap.resident_bytes,
		.live_page_bytes = heap.live_page_bytes,
		.unseen_frees = atomic_load(&recorder_unseen_frees),
	};
}

void snapshot_head_postfork_child(void)
{
	heap = (struct heap_memory){0};
	looked_ns = took_ns = 0;
}
