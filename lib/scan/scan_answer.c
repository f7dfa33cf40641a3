/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_answer: which live blocks can be reached from the roots, and by whom they are held.
 *
 *   1. the live table becomes an index (block_index)
 *   2. from the roots through pointers to starts: reachable; what is only seen by others waits
 *   3. from there: possibly lost; so is what is too young, or was not lost in the first scan
 *   4. the rest is lost: heads, and what hangs under them (lost_groups)
 *   5. where registers are not known, a site that has only a few heads may be held by them
 *   6. added up by site (site_classes), and the paths to a sample of what is reachable (holder_paths)
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory
 *   Calls     what its parts call
 *   Failure   SEEP_SCAN_NO_MEMORY; without holders when only they had none
 */
#include "lib/scan/scan_answer.h"

#include "lib/base/options.h"
#include "lib/scan/block_index.h"
#include "lib/scan/flood.h"
#include "lib/scan/holder_paths.h"
#include "lib/scan/lost_groups.h"
#include "lib/scan/lost_list.h"
#include "lib/scan/site_classes.h"
#include "lib/scan/site_numbers.h"

#include "lib/base/poison.h"

/* rbx, rbp and r12 to r15: what a thread that is in a call may have nowhere else. */
#define REGISTERS_KEPT_OVER_CALLS 6u

#define HOLDERS_SHARE 32u /* of the largest file, for one record */

struct work {
	const struct scan_question *question;
	struct scan_memory *memory;
	struct site_numbers sites;
	struct block_index index;
	struct flood reached; /* keeps the paths */
	struct flood flood;   /* all others */
	struct site_classes classes;
	struct lost_list_cursor seen_lost;
	bool is_failed;
};

static void flood_possible_from(block_ref ref, void *context)
{
	struct work *work = context;

	if (!work->is_failed && !flood_from_block(&work->flood, ref, MARK_POSSIBLE))
		work->is_failed = true;
}

/* Whether a block that nothing leads to can be said to be lost. */
static bool is_sure(struct work *work, block_ref ref)
{
	const struct scan_question *question = work->question;
	struct indexed_block block = block_index_get(&work->index, ref);

	if (question->is_blind)
		return false;
	if (question->turn == SCAN_SECOND && !lost_list_has(&work->seen_lost, &work->index, ref))
		return false;
	return block.is_readable &&
	       (question->before_epoch == 0 || block.epoch < question->before_epoch);
}

static void spare_unsure(block_ref ref, void *context)
{
	if (!is_sure(context, ref))
		flood_possible_from(ref, context);
}

static void find_possible(struct work *work)
{
	work->flood.rule = &flood_possible;
	block_index_walk(&work->index, 1u << MARK_SEEN, false, flood_possible_from, work);
	block_index_walk(&work->index, 1u << MARK_NONE, false, spare_unsure, work);
}

static void count_head(block_ref ref, void *context)
{
	struct work *work = context;
	uint32_t stack = block_index_stack(&work->index, ref);

	site_classes_get(&work->classes, stack)->definitely.blocks++;
}

static uint64_t heads_in_registers(const struct work *work)
{
	return (uint64_t)REGISTERS_KEPT_OVER_CALLS * work->question->unread_threads;
}

static void spare_few(block_ref ref, void *context)
{
	struct work *work = context;
	uint32_t stack = block_index_stack(&work->index, ref);

	if (site_classes_get(&work->classes, stack)->definitely.blocks <= heads_in_registers(work))
		flood_possible_from(ref, work);
}

/* Registers that could not be read may hold heads of any site. */
static void spare_what_registers_may_hold(struct work *work)
{
	if (work->question->unread_threads == 0)
		return;
	block_index_walk(&work->index, 1u << MARK_HEAD, false, count_head, work);
	work->flood.rule = &flood_possible;
	block_index_walk(&work->index, 1u << MARK_HEAD, false, spare_few, work);
	for (uint32_t number = 0; number < work->sites.count; number++)
		work->classes.sites[number].definitely.blocks = 0;
}

static void note_under(block_ref head, block_ref ref, void *context)
{
	struct work *work = context;

	site_classes_note_under(&work->classes, &work->index, head, ref);
}

/* Every block has its mark. */
static bool find_classes(struct work *work)
{
	if (!lost_groups_find(&work->flood))
		return false;
	spare_what_registers_may_hold(work);
	if (work->is_failed || !lost_groups_count(&work->flood, note_under, work))
		return false;
	site_classes_take_others(&work->classes, &work->index, work->question->since_epoch);
	return true;
}

static bool find_reached(struct work *work)
{
	const struct scan_question *question = work->question;

	if (!site_numbers_start(&work->sites, work->memory, question->stack_count) ||
	    !block_index_build(&work->index, work->memory, &question->readable, &work->sites) ||
	    !flood_start(&work->reached, &work->index, question->constants,
			 question->wants_holders) ||
	    !flood_start(&work->flood, &work->index, question->constants, false) ||
	    !site_classes_start(&work->classes, work->memory, &work->sites))
		return false;
	if (question->since_epoch == 0)
		work->reached.classes = &work->classes;
	if (!flood_from_roots(&work->reached, question->roots))
		return false;
	find_possible(work);
	return !work->is_failed;
}

static void make_records(struct work *work, struct scan_answer *answer)
{
	struct seep_scan head = {
		.unread_threads = work->question->unread_threads,
		.flags = work->question->is_blind ? SEEP_SCAN_IS_BLIND : 0,
		.root_bytes = work->reached.root_bytes,
		.block_bytes = work->reached.block_bytes + work->flood.block_bytes,
	};

	struct holder_question holders = {
		.queue = &work->reached.queue,
		.index = &work->index,
		.classes = &work->classes,
		.roots = work->question->roots,
		.seed = work->question->seed,
		.most_bytes = options.max_file_bytes / HOLDERS_SHARE,
	};

	answer->scan = site_classes_record(&work->classes, work->memory, &head);
	if (answer->scan.is_failed)
		work->is_failed = true;
	if (work->is_failed)
		return;
	if (work->question->wants_holders)
		answer->holders = holder_paths_record(&holders, work->memory);
	((struct seep_scan *)answer->scan.start)->own_bytes = work->memory->most;
}

static void make_lost_list(struct work *work, struct scan_answer *answer)
{
	answer->lost = lost_list_make(&work->index, work->memory, 1u << MARK_NONE,
				      work->question->since_epoch);
	work->is_failed |= answer->lost.is_failed;
}

enum seep_scan_outcome scan_answer_find(const struct scan_question *question,
					struct scan_memory *memory, struct scan_answer *answer)
{
	struct work work = {.question = question, .memory = memory};

	work.reached.page_map = work.flood.page_map = -1;
	work.seen_lost = (struct lost_list_cursor){.list = &question->seen_lost};
	*answer = (struct scan_answer){0};
	if (!find_reached(&work))
		work.is_failed = true;
	/* Where nothing can be said to be lost a second look would say no more. */
	else if (question->turn == SCAN_FIRST && !question->is_blind &&
		 (work.index.marked[MARK_NONE] > 0 || question->since_epoch > 0))
		make_lost_list(&work, answer);
	else if (find_classes(&work))
		make_records(&work, answer);
	else
		work.is_failed = true;
	site_classes_release(&work.classes, memory);
	flood_finish(&work.flood);
	flood_finish(&work.reached);
	block_index_release(&work.index);
	site_numbers_release(&work.sites, memory);
	if (work.is_failed)
		scan_answer_release(answer, memory);
	return work.is_failed ? SEEP_SCAN_NO_MEMORY : SEEP_SCAN_DONE;
}

void scan_answer_release(struct scan_answer *answer, struct scan_memory *memory)
{
	payload_release(&answer->scan, memory);
	payload_release(&answer->holders, memory);
	payload_release(&answer->lost, memory);
}
