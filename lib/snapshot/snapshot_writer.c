/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_writer: takes snapshots, one at a time, and keeps the file complete.
 *
 * Order in the file: the process first; modules and stacks before the first snapshot that speaks of
 * them; what belongs to a snapshot behind it; the end last.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     LOCK_SNAPSHOT
 *   Memory    what one snapshot needs is given back
 *   Calls     see snapshot_file, snapshot_head
 *   Failure   a negative errno value; what could not be written is written by the next snapshot
 */
#include "lib/snapshot/snapshot_writer.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/options.h"
#include "lib/base/run_clock.h"
#include "lib/base/scratch.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/free_pairs.h"
#include "lib/record/map_table.h"
#include "lib/record/module_list.h"
#include "lib/record/sample_sums.h"
#include "lib/record/sampler.h"
#include "lib/record/side_table.h"
#include "lib/record/site_counters.h"
#include "lib/record/thread_state.h"
#include "lib/record/unwind_rules.h"
#include "lib/snapshot/fatal_free_record.h"
#include "lib/snapshot/frees_record.h"
#include "lib/snapshot/module_records.h"
#include "lib/snapshot/pins_record.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/process_record.h"
#include "lib/snapshot/samples_record.h"
#include "lib/snapshot/self_check_record.h"
#include "lib/snapshot/site_entries.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_head.h"
#include "lib/snapshot/snapshot_reason.h"
#include "lib/snapshot/stack_records.h"
#include "lib/snapshot/suppressions_record.h"
#include "lib/snapshot/thresholds.h"

#include "lib/base/poison.h"

#define KEYFRAME_EVERY 64u
#define SCRATCH_KEPT_NS 1000000000ull /* when snapshots follow each other within this */
#define FRAME_BYTES 64u		      /* a record's header and padding, with some room */

static struct {
	struct lock lock;
	_Atomic(uint32_t) holder_tid;
	bool needs_keyframe;
	bool has_ended; /* its final state has been written */
	uint32_t epoch; /* closed last */
	struct snapshot_result last;
	uint64_t taken_ns; /* when it was */
	uint32_t missed;   /* snapshots that could not be taken or written, */
	int missed_error;  /* and why the last of them could not */
} writer;

static uint64_t now_ns(void)
{
	uint64_t now = run_clock_ns() - process_facts.started_monotonic_ns;

	return now > writer.taken_ns ? now : writer.taken_ns;
}

/* One at a time. False in a signal handler that interrupted this thread's own snapshot, say to end
 * the process. */
static bool enter(void)
{
	if (atomic_load(&writer.holder_tid) == sys_tid())
		return false;
	lock_take(&writer.lock, LOCK_SNAPSHOT, LOCK_BY_ANYBODY);
	atomic_store(&writer.holder_tid, sys_tid());
	return true;
}

static void leave(void)
{
	atomic_store(&writer.holder_tid, 0);
	lock_give(&writer.lock, LOCK_SNAPSHOT);
}

static int start_locked(void)
{
	bool is_child = process_facts.forked_from != 0 || process_facts.pid != options.root_pid;
	bool has_folder = is_child && options.children_output[0] != 0;
	int result = snapshot_file_create(has_folder ? options.children_output : options.output,
					  has_folder);

	/* A stranger was there first, or a link: then beside the program's own. */
	if (has_folder && (result == -EACCES || result == -EPERM || result == -ENOTDIR))
		result = snapshot_file_create(options.output, false);
	writer.needs_keyframe = true;
	stack_records_start();
	if (result == 0)
		result = snapshot_file_begin();
	if (result == 0) {
		result = process_record_append();
		if (result == 0)
			result = suppressions_record_append();
		snapshot_file_end();
		/* A header alone is no file that anybody can read. */
		if (result != 0 && !snapshot_file_remove())
			snapshot_file_close();
	}
	return result;
}

bool snapshot_writer_hold(void)
{
	return enter();
}

void snapshot_writer_let_go(void)
{
	leave();
}

int snapshot_writer_start(void)
{
	int result;

	if (!enter())
		return -EBUSY;
	result = start_locked();
	leave();
	return result;
}

/* Records that speak of the snapshot before them. */
struct follower {
	uint32_t type;
	struct buffer payload; /* empty: there is nothing to say */
};
#define FOLLOWERS_MAX 4u

/* The snapshot and what follows it; releases all. Once the snapshot is in the file it has been taken,
 * whether or not there is room for the others. */
static int append_snapshot(uint64_t time_ns, struct buffer *payload, struct follower *followers)
{
	int result = snapshot_file_append_buffer(SEEP_RECORD_SNAPSHOT, time_ns, payload);
	bool has_room = result == 0;

	for (uint32_t i = 0; i < FOLLOWERS_MAX; i++) {
		struct buffer *its = &followers[i].payload;

		if (!has_room || its->is_failed) {
			buffer_release(its);
			continue;
		}
		has_room = snapshot_file_append_buffer(followers[i].type, time_ns, its) == 0;
		if (has_room && followers[i].type == SEEP_RECORD_FREES)
			frees_record_note_written();
	}
	return result;
}

/* 0 where the file has room for so many bytes, FRAME_BYTES for each record included; -EFBIG, or why it
 * could not be made shorter. Old snapshots go where there is none. */
static int make_room(uint64_t bytes)
{
	uint64_t most = options.max_file_bytes;
	int error = 0;

	if (snapshot_file_bytes() + bytes > most)
		error = snapshot_file_thin(bytes < most / 2 ? most / 2 : most - bytes);
	if (snapshot_file_bytes() + bytes - FRAME_BYTES <= most)
		return 0;
	return error != 0 ? error : -EFBIG;
}

static int write_snapshot(struct seep_snapshot *head, const char *label,
			  const struct site_totals *totals, uint64_t time_ns)
{
	bool is_keyframe = writer.needs_keyframe || head->number % KEYFRAME_EVERY == 1;
	struct follower followers[FOLLOWERS_MAX] = {
		{SEEP_RECORD_SAMPLES, samples_record_payload(totals, head->number)},
		{SEEP_RECORD_PINS, pins_record_payload(totals, head->number, head->reason)},
		{SEEP_RECORD_FREES,
		 frees_record_payload(head->number, head->reason, totals->stack_count)},
		{SEEP_RECORD_FATAL_FREE,
		 fatal_free_record_payload(head->number, head->reason, totals->stack_count)},
	};
	struct buffer payload = {0};
	uint64_t needed;
	int result;

	head->flags |= is_keyframe ? SEEP_SNAPSHOT_IS_KEYFRAME : 0;
	head->label_bytes = label == NULL ? 0 : (uint32_t)text_bytes(label);
	head->entries_offset = (uint32_t)sizeof(*head) + head->label_bytes;
	buffer_add(&payload, head, sizeof(*head));
	if (label != NULL)
		buffer_add(&payload, label, head->label_bytes);
	head->entry_count = site_entries_add(&payload, totals, is_keyframe);
	if (!payload.is_failed)
		memcpy(payload.start, head, sizeof(*head));
	needed = payload.bytes + FRAME_BYTES;
	for (uint32_t i = 0; i < FOLLOWERS_MAX; i++)
		needed += followers[i].payload.bytes > 0 ? followers[i].payload.bytes + FRAME_BYTES
							 : 0;
	/* Where that does not help, the last state is worth more than the limit, and so is what a
	 * report of the running program waits for. A program may bring any number of labels. */
	result = make_room(needed);
	if (result != 0 && (snapshot_reason_is_automatic(head->reason) || head->label_bytes > 0)) {
		buffer_release(&payload);
		for (uint32_t i = 0; i < FOLLOWERS_MAX; i++)
			buffer_release(&followers[i].payload);
	} else {
		result = append_snapshot(time_ns, &payload, followers);
	}
	/* The fingerprints already say that it was written: make up for it. */
	writer.needs_keyframe = result != 0;
	return result;
}

/* Nobody changes them any more, so what does not fit together never did. */
static void verify_all(void)
{
	call_tree_verify();
	unwind_rules_verify();
	module_list_verify();
	side_table_verify();
	map_table_verify();
	site_counters_verify();
	free_pairs_verify();
	thread_state_verify();
}

static bool is_near(uint64_t one, uint64_t other, uint64_t most)
{
	return one <= other + most && other <= one + most;
}

/* What the threads counted is what the tables hold. A thread that was stopped between the two, or has
 * left us there, is off by a block, and by an entry of its cache if that was on its way. */
static void verify_sums(const struct site_totals *totals)
{
	uint64_t threads = thread_state_count() + atomic_load(&thread_state_left);
	uint64_t allocations = thread_state_sum(COUNT_ALLOCATIONS), of_sites = 0;
	uint64_t own_blocks = totals->recorded_blocks - totals->recorded_inherited_blocks;

	if (!INVARIANTS_ARE_CHECKED || totals->is_failed)
		return;
	INVARIANT(is_near(own_blocks + thread_state_sum(COUNT_FREES), allocations, threads),
		  own_blocks + thread_state_sum(COUNT_FREES), allocations);
	if (totals->samples != NULL)
		return;
	for (uint32_t stack = 0; stack < totals->stack_count; stack++)
		of_sites += totals->allocated[stack].allocations;
	/* Mappings are counted by site only. */
	INVARIANT(options.tracks_mmap || is_near(of_sites, allocations, threads * SITE_MISSED_MAX),
		  of_sites, allocations);
}

/* A helper thread may find the interval over while the program exits. What it then sees is less than the
 * final state: exit handlers free. */
static bool comes_too_late(enum seep_snapshot_reason reason)
{
	return writer.has_ended && snapshot_reason_is_automatic(reason);
}

static int take_locked(enum seep_snapshot_reason reason, const char *label, bool is_quiet)
{
	uint32_t epoch = atomic_fetch_add(&epoch_current, 1);
	uint64_t time_ns = now_ns();
	bool fills_pages = snapshot_head_looks_at_pages(reason, time_ns);
	struct site_totals totals;
	struct seep_snapshot head;
	int result;

	INVARIANT(epoch > writer.epoch, epoch, writer.epoch);
	writer.epoch = epoch;
	if (is_quiet)
		verify_all();
	result = snapshot_file_begin();
	if (result != 0)
		return result;
	site_totals_take(&totals, epoch, stack_records_complete(call_tree_count(), is_quiet),
			 is_quiet, fills_pages);
	if (is_quiet)
		verify_sums(&totals);
	result = totals.is_failed ? -ENOMEM : module_records_append(time_ns);
	if (result == 0)
		result = stack_records_append(time_ns, totals.stack_count);
	if (result == 0)
		result = self_check_record_append(time_ns);
	if (result == 0) {
		head = snapshot_head(&totals, writer.last.number + 1, reason, is_quiet,
				     fills_pages);
		head.missed_snapshots = writer.missed;
		head.missed_error = (uint32_t)-writer.missed_error;
		result = write_snapshot(&head, label, &totals, time_ns);
	}
	if (result == 0) {
		writer.last = (struct snapshot_result){.number = head.number,
						       .live_bytes = head.live_bytes,
						       .live_blocks = head.live_blocks};
		thresholds_watch(&head, &totals, time_ns);
	}
	site_totals_release(&totals);
	snapshot_file_end();
	writer.last.duration_ns = now_ns() - time_ns;
	if (fills_pages)
		snapshot_head_note_look(time_ns, writer.last.duration_ns);
	if (time_ns - writer.taken_ns > SCRATCH_KEPT_NS)
		scratch_forget();
	writer.taken_ns = time_ns;
	return result;
}

int snapshot_writer_take(enum seep_snapshot_reason reason, const char *label, bool is_quiet,
			 struct snapshot_result *result)
{
	int error;

	if (is_quiet) {
		lock_reset(&writer.lock, LOCK_SNAPSHOT); /* its holder may have been killed */
		atomic_store(&writer.holder_tid, 0);
	}
	if (!enter()) {
		/* Perhaps just being written: whoever has no snapshot wants to know how it is now. */
		if (result != NULL)
			*result = writer.last;
		return -EBUSY;
	}
	error = comes_too_late(reason) ? -ESHUTDOWN : take_locked(reason, label, is_quiet);
	writer.has_ended |= error == 0 && reason == SEEP_REASON_FINAL;
	if (error != 0 && error != -ESHUTDOWN) {
		writer.missed++;
		writer.missed_error = error;
	}
	if (result != NULL)
		*result = writer.last;
	leave();
	return error;
}

static int append_locked(uint32_t type, struct buffer *payload)
{
	uint64_t time_ns = now_ns();
	int result = snapshot_file_begin();

	if (result != 0)
		return result;
	result = module_records_append(time_ns);
	if (result == 0)
		result = stack_records_append(time_ns,
					      stack_records_complete(call_tree_count(), false));
	if (result == 0)
		result = make_room(payload->bytes + FRAME_BYTES);
	if (result == 0)
		result = snapshot_file_append_buffer(type, time_ns, payload);
	snapshot_file_end();
	return result;
}

int snapshot_writer_append(uint32_t type, struct buffer *payload)
{
	int result = -EBUSY;

	if (enter()) {
		result = append_locked(type, payload);
		leave();
	}
	buffer_release(payload);
	return result;
}

int snapshot_writer_end(enum seep_end_how how, int status)
{
	struct seep_end end = {
		.how = how, .status = status, .ended_unix_ns = sys_clock_ns(CLOCK_REALTIME)};
	int result;

	/* A helper thread may be taking a snapshot while the program exits. */
	if (!enter())
		return -EBUSY;
	result = snapshot_file_begin();
	if (result == 0)
		result = snapshot_file_append(SEEP_RECORD_END, now_ns(), &end, sizeof(end));
	snapshot_file_end();
	leave();
	return result;
}

struct snapshot_result snapshot_writer_last(void)
{
	return writer.last;
}

struct memory_limit snapshot_writer_limit(void)
{
	struct memory_limit limit = {0};
	struct process_memory memory;

	if (!enter())
		return limit;
	memory = process_memory_read();
	limit = memory_limit_read(&memory, false);
	leave();
	return limit;
}

uint64_t snapshot_writer_live_bytes(void)
{
	struct sample_sums sums = sample_sums_read();
	uint64_t freed = sampler_is_on ? sums.freed.bytes >> SAMPLE_BYTE_BITS
				       : thread_state_sum(COUNT_FREED_BYTES);
	uint64_t allocated = sampler_is_on ? sums.allocated.bytes >> SAMPLE_BYTE_BITS
					   : thread_state_sum(COUNT_ALLOCATED_BYTES);

	return allocated > freed ? allocated - freed : 0;
}

/* No prefork: a fork does not wait for a snapshot. What the child copies of one that is under way
 * is forgotten here; only the memory of its half-built arrays stays with the child. */
void snapshot_writer_postfork_child(void)
{
	lock_reset(&writer.lock, LOCK_SNAPSHOT);
	atomic_store(&writer.holder_tid, 0);
	writer.last = (struct snapshot_result){0};
	writer.epoch = 0;
	writer.has_ended = false;
	writer.taken_ns = 0;
	writer.missed = 0;
	writer.missed_error = 0;
	module_records_postfork_child();
	self_check_record_postfork_child();
	frees_record_postfork_child();
	snapshot_head_postfork_child();
	thresholds_postfork_child();
	snapshot_file_forget();
}
