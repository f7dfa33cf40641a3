/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_writer: takes snapshots and keeps the file complete: process, modules, stacks, end.
 *
 * Order in the file: modules and stacks before the first snapshot that speaks of them. Of the sites
 * only those are written that have changed since they were last written; a fingerprint of 8 bytes
 * per stack remembers what that was.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     LOCK_SNAPSHOT
 *   Memory    region: 8 bytes a stack for good; what one snapshot needs is given back
 *   Calls     see snapshot_file, process_facts
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
#include "lib/base/region.h"
#include "lib/base/scratch.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/free_pairs.h"
#include "lib/record/map_table.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"
#include "lib/record/sample_sums.h"
#include "lib/record/sampler.h"
#include "lib/record/self_check.h"
#include "lib/record/side_table.h"
#include "lib/record/site_counters.h"
#include "lib/record/thread_state.h"
#include "lib/record/unwind_rules.h"
#include "lib/snapshot/frees_record.h"
#include "lib/snapshot/heap_memory.h"
#include "lib/snapshot/memory_limit.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_pins.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/thresholds.h"

#include "lib/base/poison.h"

#define KEYFRAME_EVERY 64u
#define NODE_SHARE_BYTES 16 /* of the largest file, for each node: at most half of it is stacks */
#define STACKS_PER_RECORD (1u << 20)
#define COHORTS_MAX 160u /* see site_totals_cohort: 16 + 8 * 14, and one for the future */
#define FINGERPRINT_CHUNK 65536u
#define FINGERPRINT_CHUNKS (CALL_TREE_NODES_MAX / FINGERPRINT_CHUNK)
#define FILLING_PAUSES 100
#define SCRATCH_KEPT_NS 1000000000ull /* when snapshots follow each other within this */
#define HEAP_INLINE_NS 1000000ull
#define FILL_SHARE_OF_TIME 20 /* snapshots that look at pages take at most a 20th of it */
#define FRAME_BYTES 64u	      /* a record's header and padding, with some room */

static struct {
	struct lock lock;
	_Atomic(uint32_t) holder_tid;
	uint32_t modules, unloads_seen, module_version; /* written so far */
	uint32_t stacks;
	bool needs_keyframe, has_checks;
	bool has_ended; /* its final state has been written */
	uint32_t epoch; /* closed last */
	struct snapshot_result last;
	uint64_t taken_ns;		  /* when it was */
	uint64_t filled_ns;		  /* when the last one was that looked at pages */
	uint64_t fill_took_ns;		  /* its whole duration */
	struct heap_memory heap;	  /* what it found */
	struct self_check_results checks; /* written last, if has_checks */
	bool is_unloaded[65536];	  /* by module: its unload has been written */
} writer;

/* By stack: what was last written of the site; 0: nothing. */
static uint64_t *fingerprints[FINGERPRINT_CHUNKS];

static uint64_t now_ns(void)
{
	return sys_clock_ns(CLOCK_MONOTONIC) - process_facts.started_monotonic_ns;
}

static int write_process(void)
{
	struct seep_process process = {
		.struct_bytes = sizeof(process),
		.pid = process_facts.pid,
		.parent_pid = process_facts.parent_pid,
		.forked_from = process_facts.forked_from,
		.inherited_epoch = recorder_inherited_epoch,
		.stack_depth = options.stack_depth,
		.flags = options.tracks_mmap ? SEEP_PROCESS_TRACKS_MMAP : 0,
		.interval_ns = options.interval_ns,
		.start_ticks = process_facts.start_ticks,
		.sample_bytes = sampler_is_on ? sampler_mean_bytes : 0,
		.single_epochs = SITE_TOTALS_SINGLE_EPOCHS,
	};
	struct buffer command = {0}, payload = {0};
	static char exe[4096]; /* once per process, and thread stacks are small */
	long exe_bytes = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof(exe));
	long command_bytes = 0;
	int result;

	if (options.stores_command_line && buffer_reserve(&command, 32 << 10))
		command_bytes = sys_read_file("/proc/self/cmdline", command.start, 32 << 10);
	process.exe_bytes = exe_bytes > 0 ? (uint32_t)exe_bytes : 0;
	process.name_bytes = (uint32_t)text_bytes(process_facts.name);
	process.command_bytes = command_bytes > 0 ? (uint32_t)command_bytes : 0;
	buffer_add(&payload, &process, sizeof(process));
	buffer_add(&payload, exe, process.exe_bytes);
	buffer_add(&payload, process_facts.name, process.name_bytes);
	buffer_add(&payload, command.start, process.command_bytes);
	result = payload.is_failed ? -ENOMEM
				   : snapshot_file_append(SEEP_RECORD_PROCESS, 0, payload.start,
							  payload.bytes);
	buffer_release(&payload);
	buffer_release(&command);
	return result;
}

/* One at a time. False in a signal handler that interrupted this thread's own snapshot, say to end
 * the process. */
static bool enter(void)
{
	if (atomic_load(&writer.holder_tid) == sys_tid())
		return false;
	lock_take(&writer.lock, LOCK_SNAPSHOT);
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

	writer.needs_keyframe = true;
	/* A node takes some 6 to 8 bytes of the file and can never leave it. */
	call_tree_limit(options.max_file_bytes / NODE_SHARE_BYTES);
	writer.stacks = CALL_TREE_ROOT + 1;
	if (result == 0)
		result = snapshot_file_begin();
	if (result == 0) {
		result = write_process();
		snapshot_file_end();
	}
	return result;
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

static int append_and_release(uint32_t type, uint64_t time_ns, struct buffer *payload)
{
	int result = 0;

	if (payload->is_failed)
		result = -ENOMEM;
	else if (payload->bytes > 0)
		result = snapshot_file_append(type, time_ns, payload->start, payload->bytes);
	buffer_release(payload);
	return result;
}

static void add_module(struct buffer *payload, uint32_t id)
{
	const struct loaded_module *module = module_list_at(id);
	size_t path_bytes = text_bytes(module->path);
	struct seep_module written = {
		.struct_bytes = sizeof(written),
		.id = id,
		.generation = module->generation,
		.loaded_epoch = module->loaded_epoch,
		.load_bias = module->load_bias,
		.start = module->start,
		.end = module->end,
		.flags = module->flags,
		.build_id_bytes = module->build_id_bytes,
		.path_bytes = (uint16_t)(path_bytes < UINT16_MAX ? path_bytes : UINT16_MAX),
	};

	buffer_add(payload, &written, sizeof(written));
	buffer_add(payload, module->build_id, module->build_id_bytes);
	buffer_add(payload, module->path, written.path_bytes);
	buffer_pad(payload, 8);
}

static int write_modules(uint64_t time_ns)
{
	uint32_t version = module_list_version(), count = module_list_count();
	struct buffer added = {0}, removed = {0};
	int result;

	if (writer.module_version == version && writer.modules == count)
		return 0;
	for (uint32_t id = writer.modules; id < count; id++)
		add_module(&added, id);
	result = append_and_release(SEEP_RECORD_MODULES, time_ns, &added);
	if (result != 0)
		return result;
	writer.modules = count;
	for (uint32_t id = 0; id < count; id++) {
		struct seep_module_unload unload = {
			.id = id, .epoch = atomic_load(&module_list_at(id)->unloaded_epoch)};

		if (unload.epoch == 0 || writer.is_unloaded[id])
			continue;
		buffer_add(&removed, &unload, sizeof(unload));
	}
	result = append_and_release(SEEP_RECORD_MODULE_UNLOAD, time_ns, &removed);
	if (result != 0)
		return result;
	for (uint32_t id = 0; id < count; id++)
		writer.is_unloaded[id] = atomic_load(&module_list_at(id)->unloaded_epoch) != 0;
	writer.module_version = version;
	return 0;
}

/* Waits for a node that another thread is filling at this moment. */
static struct call_node filled_node(uint32_t id)
{
	struct call_node node = call_tree_node(id);

	for (int i = 0; i < FILLING_PAUSES && node.pc == 0; i++) {
		struct timespec pause = {.tv_nsec = 100000};

		sys_call(SYS_nanosleep, &pause, 0);
		node = call_tree_node(id);
	}
	return node;
}

/* The stacks that this snapshot may speak of: those before the first node that is not filled yet. A
 * thread that was killed in the middle of one never fills it. */
static uint32_t complete_stacks(uint32_t count, bool is_quiet)
{
	for (uint32_t id = writer.stacks; id < count && !is_quiet; id++)
		if (filled_node(id).pc == 0)
			return id;
	return count;
}

static int write_stacks(uint64_t time_ns, uint32_t end)
{
	INVARIANT(end <= call_tree_count() && writer.stacks > CALL_TREE_ROOT, end, writer.stacks);
	while (writer.stacks < end) {
		struct seep_stacks head = {.struct_bytes = sizeof(head), .first_id = writer.stacks};
		struct buffer payload = {0};
		uint64_t pc = 0;
		int result;

		head.count = end - head.first_id;
		if (head.count > STACKS_PER_RECORD)
			head.count = STACKS_PER_RECORD;
		buffer_add(&payload, &head, sizeof(head));
		for (uint32_t id = head.first_id; id < head.first_id + head.count; id++) {
			struct call_node node = call_tree_node(id);

			if (node.pc == 0)
				node.pc = SEEP_PC_NO_ROOM;
			INVARIANT(node.parent < id, node.parent, id);
			buffer_add_varint(&payload, id - node.parent);
			buffer_add_varint(&payload, buffer_zigzag((int64_t)(node.pc - pc)));
			buffer_add_varint(&payload, node.generation);
			pc = node.pc;
		}
		result = append_and_release(SEEP_RECORD_STACKS, time_ns, &payload);
		if (result != 0)
			return result;
		writer.stacks += head.count;
	}
	return 0;
}

static bool is_written(const struct self_check_difference *difference)
{
	return difference->ours < writer.stacks && difference->libunwinds < writer.stacks;
}

/* What has been found since it was written last. A difference whose stacks are too new for this
 * snapshot waits for the next. */
static int write_self_check(uint64_t time_ns)
{
	struct seep_self_check head = {.struct_bytes = sizeof(head),
				       .difference_bytes = sizeof(struct seep_difference),
				       .one_in = options.selfcheck_one_in};
	struct self_check_results checks;
	struct buffer payload = {0};
	int result;

	if (options.selfcheck_one_in == 0)
		return 0;
	self_check_read(&checks);
	if (writer.has_checks && memcmp(&checks, &writer.checks, sizeof(checks)) == 0)
		return 0;
	head.flags = checks.state == SELF_CHECK_HAS_NO_LIBUNWIND ? SEEP_SELF_CHECK_HAS_NO_LIBUNWIND
		     : checks.state == SELF_CHECK_OVER		 ? SEEP_SELF_CHECK_IS_OVER
								 : 0;
	for (int i = 0; i < SELF_CHECK_OUTCOMES; i++)
		head.compared += checks.outcomes[i];
	head.different = checks.outcomes[SELF_CHECK_DIFFERENT];
	head.libunwind_gave_up = checks.outcomes[SELF_CHECK_GAVE_UP];
	head.cut = checks.outcomes[SELF_CHECK_CUT];
	head.skipped = checks.skipped;
	for (uint32_t i = 0; i < checks.difference_count; i++)
		head.difference_count += is_written(&checks.differences[i]);
	buffer_add(&payload, &head, sizeof(head));
	for (uint32_t i = 0; i < checks.difference_count; i++) {
		const struct self_check_difference *difference = &checks.differences[i];
		struct seep_difference written = {.ours = difference->ours,
						  .libunwind = difference->libunwinds,
						  .thread_id = difference->thread_id,
						  .count = difference->count};

		if (is_written(difference))
			buffer_add(&payload, &written, sizeof(written));
	}
	result = append_and_release(SEEP_RECORD_SELF_CHECK, time_ns, &payload);
	if (result == 0 && head.difference_count == checks.difference_count) {
		writer.checks = checks;
		writer.has_checks = true;
	}
	return result;
}

/* A site as it is now. */
struct site_now {
	uint64_t blocks, bytes;
	uint32_t cohort_count;
	const struct site_cohort *cohorts[COHORTS_MAX]; /* by rising epoch */
};

static void gather(const struct site_totals *totals, uint32_t stack, struct site_now *site)
{
	site->blocks = site->bytes = 0;
	site->cohort_count = 0;
	for (uint32_t index = totals->first_cohort[stack]; index != 0;) {
		const struct site_cohort *cohort = &totals->cohorts[index - 1];
		uint32_t place = site->cohort_count;

		site->blocks += cohort->blocks;
		site->bytes += cohort->bytes;
		index = cohort->next;
		INVARIANT(place < COHORTS_MAX, stack, totals->epoch);
		if (place == COHORTS_MAX)
			continue;
		for (; place > 0 && site->cohorts[place - 1]->epoch > cohort->epoch; place--)
			site->cohorts[place] = site->cohorts[place - 1];
		site->cohorts[place] = cohort;
		site->cohort_count++;
		INVARIANT(place == 0 || site->cohorts[place - 1]->epoch < cohort->epoch, stack,
			  cohort->epoch);
	}
}

/* One step of a mixer after Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014: every bit of the result depends on every bit of both. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) + 0x9e3779b97f4a7c15ull;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebull;
	return hash ^ hash >> 31;
}

static uint64_t fingerprint_of(const struct site_now *site, const struct site_counters *counters)
{
	uint64_t hash = mix(0, site->blocks);

	hash = mix(hash, site->bytes);
	hash = mix(hash, counters->allocations);
	hash = mix(hash, counters->allocated_bytes);
	return hash == 0 ? 1 : hash;
}

static uint64_t *fingerprint_at(uint32_t stack)
{
	uint64_t **chunk = &fingerprints[stack / FINGERPRINT_CHUNK];

	if (*chunk == NULL)
		*chunk = region_map(FINGERPRINT_CHUNK * sizeof(**chunk), REGION_WIPED_ON_FORK);
	return *chunk == NULL ? NULL : &(*chunk)[stack % FINGERPRINT_CHUNK];
}

static void add_entry(struct buffer *payload, uint32_t id_step, const struct site_now *site,
		      const struct site_counters *counters)
{
	uint32_t epoch = 0;

	buffer_add_varint(payload, id_step);
	buffer_add_varint(payload, site->blocks);
	buffer_add_varint(payload, site->bytes);
	buffer_add_varint(payload, counters->allocations);
	buffer_add_varint(payload, counters->allocated_bytes);
	buffer_add_varint(payload, site->cohort_count);
	for (uint32_t i = 0; i < site->cohort_count; i++) {
		buffer_add_varint(payload, site->cohorts[i]->epoch - epoch);
		buffer_add_varint(payload, site->cohorts[i]->blocks);
		buffer_add_varint(payload, site->cohorts[i]->bytes);
		epoch = site->cohorts[i]->epoch;
	}
}

/* Appends the entries of the sites that have changed, all of them for a keyframe. */
static uint32_t add_entries(struct buffer *payload, const struct site_totals *totals,
			    bool is_keyframe)
{
	uint32_t count = 0, last = 0;

	for (uint32_t stack = 1; stack < totals->stack_count; stack++) {
		const struct site_counters *counters = &totals->allocated[stack];
		uint64_t *fingerprint, hash;
		struct site_now site;

		/* Most nodes are inner frames: nothing was ever allocated right there. */
		if (counters->allocations == 0 && totals->first_cohort[stack] == 0 &&
		    (is_keyframe || fingerprints[stack / FINGERPRINT_CHUNK] == NULL ||
		     *fingerprint_at(stack) == 0))
			continue;
		gather(totals, stack, &site);
		hash = fingerprint_of(&site, counters);
		fingerprint = fingerprint_at(stack);
		if (fingerprint != NULL) {
			if (!is_keyframe && *fingerprint == hash)
				continue;
			*fingerprint = hash;
		}
		add_entry(payload, stack - last, &site, counters);
		last = stack;
		count++;
	}
	return count;
}

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

static bool is_last(uint16_t reason)
{
	return reason == SEEP_REASON_FINAL || reason == SEEP_REASON_EXEC;
}

/* A thread of the program that takes the snapshot itself, and has more to do, is not kept for this, too. */
static struct heap_memory heap_of(const struct site_totals *totals,
				  enum seep_snapshot_reason reason, bool is_quiet)
{
	bool is_inline = !is_quiet && !is_last(reason) && sys_pid() == process_facts.pid &&
			 options.snapshots_by != SNAPSHOTS_BY_THREAD;

	return heap_memory_read(&totals->fill,
				is_inline ? sys_clock_ns(CLOCK_MONOTONIC) + HEAP_INLINE_NS : 0);
}

/* Where blocks are many and snapshots follow each other closely, the newest values are repeated. */
static bool fill_is_due(enum seep_snapshot_reason reason, uint64_t time_ns)
{
	return is_last(reason) ||
	       time_ns - writer.filled_ns >= FILL_SHARE_OF_TIME * writer.fill_took_ns;
}

static struct seep_snapshot head_of(const struct site_totals *totals,
				    enum seep_snapshot_reason reason, bool is_quiet)
{
	struct process_memory memory = process_memory_read();
	struct memory_limit limit = memory_limit_read(&memory, is_quiet);
	struct block_counts counts = block_counts(totals, is_quiet);

	return (struct seep_snapshot){
		.struct_bytes = sizeof(struct seep_snapshot),
		.number = writer.last.number + 1,
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
		.heap_bytes = writer.heap.bytes,
		.heap_resident_bytes = writer.heap.resident_bytes,
		.live_page_bytes = writer.heap.live_page_bytes,
	};
}

/* The square root of a variance in 2^-SAMPLE_BLOCK_BITS, rounded. */
static uint64_t deviation(unsigned __int128 variance)
{
	unsigned __int128 square = (variance << 2) >> SAMPLE_BLOCK_BITS; /* of twice the root */
	uint64_t root = 0;

	for (uint64_t bit = 1ull << 63; bit != 0; bit >>= 1)
		if ((unsigned __int128)(root | bit) * (root | bit) <= square)
			root |= bit;
	return (root + 1) / 2;
}

/* What the estimates of this snapshot rest on; nothing in a process that does not sample. */
static struct buffer samples_of(const struct site_totals *totals, uint32_t number)
{
	struct seep_samples head = {
		.struct_bytes = sizeof(head),
		.snapshot = number,
		.live_samples = totals->all_samples.count,
		.samples = thread_state_sum(COUNT_ALLOCATIONS),
		.blocks_error = deviation(totals->all_samples.blocks_variance),
		.bytes_error = deviation(totals->all_samples.bytes_variance),
	};
	struct buffer payload = {0};
	uint32_t last = 0;

	if (totals->samples == NULL)
		return payload;
	buffer_add(&payload, &head, sizeof(head));
	for (uint32_t stack = 1; stack < totals->stack_count; stack++) {
		const struct site_samples *samples = &totals->samples[stack];

		if (samples->count == 0)
			continue;
		buffer_add_varint(&payload, stack - last);
		buffer_add_varint(&payload, samples->count);
		buffer_add_varint(&payload, deviation(samples->blocks_variance));
		buffer_add_varint(&payload, deviation(samples->bytes_variance));
		last = stack;
		head.site_count++;
	}
	if (!payload.is_failed)
		memcpy(payload.start, &head, sizeof(head));
	return payload;
}

/* Whoever reads the last snapshot finds the newest there could be. */
static struct buffer pins_of(const struct site_totals *totals, const struct seep_snapshot *head)
{
	struct site_pins pins;
	struct buffer payload = {0};

	if (!is_last(head->reason) && !site_pins_are_due())
		return payload;
	site_pins_take(&pins, &totals->fill, totals->stack_count);
	payload = site_pins_record(&pins, head->number);
	site_pins_release(&pins);
	return payload;
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
	int result = append_and_release(SEEP_RECORD_SNAPSHOT, time_ns, payload);
	bool has_room = result == 0;

	for (uint32_t i = 0; i < FOLLOWERS_MAX; i++) {
		struct buffer *its = &followers[i].payload;

		if (!has_room || its->is_failed) {
			buffer_release(its);
			continue;
		}
		has_room = append_and_release(followers[i].type, time_ns, its) == 0;
		if (has_room && followers[i].type == SEEP_RECORD_FREES)
			frees_record_note_written();
	}
	return result;
}

static int write_snapshot(struct seep_snapshot *head, const char *label,
			  const struct site_totals *totals, uint64_t time_ns)
{
	bool is_keyframe = writer.needs_keyframe || head->number % KEYFRAME_EVERY == 1;
	struct follower followers[FOLLOWERS_MAX] = {
		{SEEP_RECORD_SAMPLES, samples_of(totals, head->number)},
		{SEEP_RECORD_PINS, pins_of(totals, head)},
		{SEEP_RECORD_FREES,
		 frees_record_payload(head->number, head->reason, totals->stack_count)},
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
	head->entry_count = add_entries(&payload, totals, is_keyframe);
	if (!payload.is_failed)
		memcpy(payload.start, head, sizeof(*head));
	needed = payload.bytes + FRAME_BYTES;
	for (uint32_t i = 0; i < FOLLOWERS_MAX; i++)
		needed += followers[i].payload.bytes > 0 ? followers[i].payload.bytes + FRAME_BYTES
							 : 0;
	if (snapshot_file_bytes() + needed > options.max_file_bytes)
		snapshot_file_thin(needed < options.max_file_bytes / 2
					   ? options.max_file_bytes / 2
					   : options.max_file_bytes - needed);
	/* Where even that does not help, the last state is worth more than the limit. */
	if (snapshot_file_bytes() + needed - FRAME_BYTES > options.max_file_bytes &&
	    (head->reason == SEEP_REASON_INTERVAL || head->reason == SEEP_REASON_GROWTH ||
	     head->reason == SEEP_REASON_MARK)) {
		buffer_release(&payload);
		for (uint32_t i = 0; i < FOLLOWERS_MAX; i++)
			buffer_release(&followers[i].payload);
		result = -EFBIG;
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

/* What the threads counted is what the tables hold. A thread that was stopped between the two is off
 * by a block, and by an entry of its cache if that was on its way. */
static void verify_sums(const struct site_totals *totals)
{
	uint64_t threads = thread_state_count();
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
	return writer.has_ended && (reason == SEEP_REASON_INTERVAL || reason == SEEP_REASON_GROWTH);
}

static int take_locked(enum seep_snapshot_reason reason, const char *label, bool is_quiet)
{
	uint32_t epoch = atomic_fetch_add(&epoch_current, 1);
	uint64_t time_ns = now_ns();
	bool fills_pages = fill_is_due(reason, time_ns);
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
	site_totals_take(&totals, epoch, complete_stacks(call_tree_count(), is_quiet), is_quiet,
			 fills_pages);
	if (is_quiet)
		verify_sums(&totals);
	result = totals.is_failed ? -ENOMEM : write_modules(time_ns);
	if (result == 0)
		result = write_stacks(time_ns, totals.stack_count);
	if (result == 0)
		result = write_self_check(time_ns);
	if (result == 0) {
		if (fills_pages)
			writer.heap = heap_of(&totals, reason, is_quiet);
		head = head_of(&totals, reason, is_quiet);
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
	if (fills_pages) {
		writer.filled_ns = time_ns;
		writer.fill_took_ns = writer.last.duration_ns;
	}
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
	if (result != NULL)
		*result = writer.last;
	leave();
	return error;
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
	writer.modules = writer.module_version = 0;
	writer.last = (struct snapshot_result){0};
	writer.filled_ns = writer.fill_took_ns = 0;
	writer.heap = (struct heap_memory){0};
	writer.epoch = 0;
	writer.has_checks = writer.has_ended = false;
	frees_record_postfork_child();
	memset(writer.is_unloaded, 0, sizeof(writer.is_unloaded));
	thresholds_postfork_child();
	snapshot_file_forget();
}
