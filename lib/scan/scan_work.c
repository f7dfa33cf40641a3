/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_work: what the copy of the process does, from its own mappings to the result that it writes into a
 * pipe.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: at most a quarter of the live bytes and 256 MiB
 *   Calls     write; see memory_layout
 *   Failure   an outcome
 */
#include "lib/scan/scan_work.h"

#include <errno.h>
#include <stddef.h>

#include "lib/base/syscalls.h"
#include "lib/record/call_tree.h"
#include "lib/record/recorder.h"
#include "lib/scan/declared_roots.h"
#include "lib/scan/heap_parts.h"
#include "lib/scan/kernel_pointers.h"
#include "lib/scan/malloc_state.h"
#include "lib/scan/memory_layout.h"
#include "lib/scan/memory_roots.h"
#include "lib/scan/page_flags.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_answer.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/span_list.h"
#include "lib/scan/thread_roots.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define MEMORY_LEAST (256ull << 20)
#define MEMORY_SHARE 4 /* of the live bytes */

static bool find_roots(const struct memory_layout *layout, const struct scan_task *task,
		       struct scan_memory *memory, struct root_list *roots,
		       uint32_t *unread_threads)
{
	struct span_list holes = {0};
	bool is_done = heap_parts_find(layout, task->threads, memory, &holes, roots);
	uint32_t left_behind;

	if (is_done) {
		malloc_state_find(layout, memory, &holes);
		left_behind = thread_roots_find(layout, task->threads, memory, &holes, roots);
		/* Their registers hold nothing that was born after the fork. */
		if (task->since_epoch <= recorder_inherited_epoch)
			*unread_threads += left_behind;
		kernel_pointers_add(task->kernel, memory, roots);
		memory_roots_find(layout, memory, &holes, roots);
		declared_roots_find(layout, memory, roots);
	}
	is_done &= !holes.is_failed && !roots->is_failed;
	span_list_release(&holes, memory);
	return is_done;
}

static void write_result(int fd, const struct scan_result *result, const struct scan_answer *answer)
{
	if (sys_write_all(fd, result, sizeof(*result)) == 0 &&
	    sys_write_all(fd, answer->scan.start, result->scan_bytes) == 0 &&
	    sys_write_all(fd, answer->holders.start, result->holders_bytes) == 0)
		sys_write_all(fd, answer->lost.start, result->lost_bytes);
}

void scan_work(int fd, void *context)
{
	const struct scan_task *task = context;
	uint64_t started_ns = sys_clock_ns(CLOCK_MONOTONIC);
	struct scan_memory memory = {.limit = MEMORY_LEAST +
					      snapshot_writer_live_bytes() / MEMORY_SHARE};
	struct scan_result result = {.outcome = SEEP_SCAN_NO_MEMORY,
				     .unread_threads = task->unread_threads};
	struct scan_answer answer = {0};
	struct root_list roots = {.describe = thread_roots_describe, .context = task->threads};
	struct memory_layout layout;
	bool has_layout, is_blind;

	page_flags_open();
	has_layout = memory_layout_read(&layout, &memory);
	is_blind = hidden_mappings_say(task->mappings, &layout, fd) > 0 || task->kernel->is_blind;
	if (!has_layout) {
		result = (struct scan_result){.outcome = SEEP_SCAN_FAILED, .error = ENOENT};
	} else if (find_roots(&layout, task, &memory, &roots, &result.unread_threads)) {
		struct scan_question question = {
			.roots = &roots,
			.readable = layout.readable,
			.constants = layout.constants,
			.stack_count = call_tree_count(),
			.before_epoch = task->before_epoch,
			.since_epoch = task->since_epoch,
			.unread_threads = result.unread_threads,
			.is_blind = is_blind,
			.wants_holders = task->wants_holders,
			.turn = task->turn,
			.seen_lost = {.start = (uint8_t *)task->seen_lost,
				      .bytes = task->seen_lost_bytes},
			.seed = task->seed,
		};

		result.outcome = scan_answer_find(&question, &memory, &answer);
	}
	if (result.outcome == SEEP_SCAN_DONE) {
		result.scan_bytes = answer.scan.bytes;
		result.holders_bytes = answer.holders.bytes;
		result.lost_bytes = answer.lost.bytes;
	}
	result.work_ns = sys_clock_ns(CLOCK_MONOTONIC) - started_ns;
	write_result(fd, &result, &answer);
}
