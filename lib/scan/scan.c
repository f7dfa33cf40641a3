/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: looks what is reachable in the running program, or in one that is about to end, and writes down
 * what it finds.
 *
 * The program stands still while the kernel copies its page tables; everything else happens in the copy
 * (scan_work). While the program runs a second copy is made a moment later, and only what was lost
 * in both is lost: a pointer may be on its way where nobody looks, such as in a message that the
 * kernel holds.
 *
 *   Runs in   the helper; where there is none, a thread of the program
 *   Locks     none of its own; LOCK_SNAPSHOT while records are appended
 *   Memory    region: the registers of all threads, and the records
 *   Calls     see stopped_threads, process_copy, snapshot_writer
 *   Failure   a record that says why nothing is known
 */
#include "lib/scan/scan.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/syscalls.h"
#include "lib/record/cfi_program.h"
#include "lib/record/epoch.h"
#include "lib/record/live_table.h"
#include "lib/record/module_list.h"
#include "lib/record/sampler.h"
#include "lib/record/thread_state.h"
#include "lib/scan/hidden_mappings.h"
#include "lib/scan/kernel_pointers.h"
#include "lib/scan/lost_list.h"
#include "lib/scan/process_copy.h"
#include "lib/scan/scan_work.h"
#include "lib/scan/stopped_threads.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define SECOND 1000000000ull
#define STOP_PATIENCE_NS (SECOND / 2)
#define COPY_PATIENCE_NS (600 * SECOND)
#define BETWEEN_SCANS_NS (SECOND / 10)
#define MOVES_WAITED_FOR 10u
#define MOVE_PAUSE_NS 300000u
#define WAIT_REACH 4096u /* so far from where it has put down its registers a thread waits */

/* One look at the process. */
struct look {
	struct scan_result result; /* as the copy says */
	struct buffer scan, holders, lost;
	uint32_t threads;
	bool is_stopped; /* no thread ran meanwhile */
	bool is_closed;	 /* the kernel did not say what it holds for the program */
	uint64_t pause_ns;
};

static void release(struct look *look)
{
	buffer_release(&look->scan);
	buffer_release(&look->holders);
	buffer_release(&look->lost);
}

static bool read_payload(struct process_copy *copy, struct buffer *buffer, uint64_t bytes)
{
	if (bytes == 0)
		return true;
	if (bytes > SEEP_RECORD_MAX_BYTES || !buffer_reserve(buffer, bytes) ||
	    !process_copy_read(copy, buffer->start, bytes))
		return false;
	buffer->bytes = bytes;
	return true;
}

static void read_result(struct process_copy *copy, struct look *look)
{
	bool is_whole = process_copy_read(copy, &look->result, sizeof(look->result)) &&
			read_payload(copy, &look->scan, look->result.scan_bytes) &&
			read_payload(copy, &look->holders, look->result.holders_bytes) &&
			read_payload(copy, &look->lost, look->result.lost_bytes);
	bool is_in_time = sys_clock_ns(CLOCK_MONOTONIC) < copy->until_ns;
	bool is_unwanted = copy->is_unwanted;
	int status = process_copy_end(copy);

	if (!is_whole)
		look->result = (struct scan_result){.outcome = SEEP_SCAN_FAILED,
						    .error = is_unwanted    ? ECANCELED
							     : !is_in_time  ? ETIMEDOUT
							     : status > 128 ? status
									    : EIO};
}

/* Of a thread that stands, but for the bases of segments. */
static void leave_exit(struct stopped_thread *thread, const struct waiting_thread *waiting)
{
	static const uint8_t numbers[] = {CFI_RBX, CFI_RBP, CFI_R12, CFI_R13, CFI_R14, CFI_R15};
	uint64_t bases[STOPPED_BASE_WORDS];

	if (thread->word_count < STOPPED_GENERAL_WORDS + STOPPED_BASE_WORDS)
		return;
	memcpy(bases, &thread->words[thread->word_count - STOPPED_BASE_WORDS], sizeof(bases));
	memset(thread->words, 0, sizeof(thread->words));
	for (uint32_t i = 0; i < sizeof(numbers); i++)
		thread->words[numbers[i]] = waiting->words[i];
	memcpy(&thread->words[STOPPED_GENERAL_WORDS], bases, sizeof(bases));
	thread->word_count = STOPPED_GENERAL_WORDS + STOPPED_BASE_WORDS;
	thread->exit_sp = waiting->sp;
}

/* Whether it is code of ours; a handler that has interrupted the wait is not. */
static bool is_our_code(uint64_t pc)
{
	for (uint32_t id = 0; id < module_list_count(); id++) {
		const struct loaded_module *module = module_list_at(id);

		if ((module->flags & SEEP_MODULE_IS_LIBSEEP) != 0 && pc >= module->start &&
		    pc < module->end)
			return true;
	}
	return false;
}

/* No call keeps a vector register (x86-64 psABI, 3.2.1): what is in those of a thread that has called us is
 * left over, such as what memcpy has copied last. */
static void leave_vectors(struct stopped_thread *thread, const struct waiting_thread *waiting)
{
	uint32_t kept_words = STOPPED_GENERAL_WORDS + STOPPED_BASE_WORDS;
	uint64_t least = waiting->sp - WAIT_REACH, most = waiting->sp + WAIT_REACH;

	/* Or it has lost patience, and runs. */
	if (thread->sp < least || thread->sp > most || !is_our_code(thread->pc))
		return;
	if (thread->word_count > kept_words)
		memset(&thread->words[STOPPED_GENERAL_WORDS], 0,
		       (thread->word_count - kept_words) * sizeof(thread->words[0]));
}

/* The thread that waits for us has put down its registers. */
static void note_waiting(struct stopped_threads *threads, const struct waiting_thread *waiting)
{
	for (uint32_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->threads[i];

		if (thread->tid != waiting->tid || waiting->tid == 0)
			continue;
		if (waiting->has_called_exit)
			leave_exit(thread, waiting);
		else
			leave_vectors(thread, waiting);
		if (thread->word_count > 0)
			continue;
		memcpy(thread->words, waiting->words, sizeof(waiting->words));
		thread->word_count = sizeof(waiting->words) / sizeof(waiting->words[0]);
		thread->sp = waiting->sp;
		thread->fs_base = waiting->fs_base;
		threads->unread--;
	}
}

/* Lists and stops all, at a moment when realloc has none of their blocks: what such a block holds would
 * seem lost. Where one of them always reallocates, it counts as unread. */
static bool stop_all(const struct scan_order *order, struct stopped_threads *threads,
		     uint64_t *pause_ns)
{
	struct timespec nap = {.tv_nsec = MOVE_PAUSE_NS};
	uint32_t moving = 0, own = sys_tid();
	uint32_t helper_tid = order->waiting.tid == own ? 0 : own;

	for (uint32_t i = 0; i < MOVES_WAITED_FOR; i++) {
		if (i > 0) {
			*pause_ns += stopped_threads_release(threads);
			stopped_threads_forget(threads);
			sys_call(SYS_nanosleep, &nap, 0);
		}
		if (!stopped_threads_list(threads, process_facts.pid, helper_tid)) {
			stopped_threads_forget(threads);
			return false;
		}
		stopped_threads_stop(threads, STOP_PATIENCE_NS);
		moving = thread_state_moving();
		if (moving == 0)
			break;
	}
	threads->unread += moving;
	return true;
}

static bool are_all_stopped(const struct stopped_threads *threads, uint32_t waiting)
{
	for (uint32_t i = 0; i < threads->count; i++)
		if (threads->threads[i].stop != THREAD_STOPPED &&
		    threads->threads[i].stop != THREAD_GONE && threads->threads[i].tid != waiting)
			return false;
	return threads->left_out == 0;
}

/* Whether the program hides memory from its children, as far as copies have lacked any. */
static bool hides_memory;

/* Whether the kernel has ever been seen to hold pointers of the program, or was not asked. */
static enum { KERNEL_IS_UNKNOWN, KERNEL_HOLDS_NOTHING, KERNEL_HOLDS_POINTERS } held_by_kernel;

void scan_note_kernel(void)
{
	struct kernel_pointers kernel;

	if (held_by_kernel == KERNEL_HOLDS_POINTERS)
		return;
	kernel_pointers_read(&kernel, process_facts.pid);
	if (!process_has_ended())
		held_by_kernel = kernel.is_blind || kernel.epoll.bytes + kernel.timers.bytes > 0
					 ? KERNEL_HOLDS_POINTERS
					 : KERNEL_HOLDS_NOTHING;
	kernel_pointers_release(&kernel);
}

/* What one look is made with. */
struct instant {
	struct stopped_threads threads;
	struct hidden_mappings mappings;
	struct kernel_pointers kernel;
	struct process_copy copy;
	const struct scan_order *order;
	bool releases_late; /* a thread of the program must not stand until all work is done */
};

static bool goes_on(void *context)
{
	const struct instant *instant = context;

	if (instant->releases_late)
		stopped_threads_release_late();
	return instant->order->goes_on == NULL || instant->order->goes_on();
}

static void copy_process(const struct scan_order *order, struct scan_task *task,
			 struct instant *instant)
{
	bool is_listed = instant->threads.threads != NULL;

	if (order->moment != SCAN_ENDED &&
	    (process_has_new_memory() || (!is_listed && process_has_ended())))
		instant->copy = (struct process_copy){.pid = 0, .fd = -1};
	else
		process_copy_make(&instant->copy, scan_work, task, COPY_PATIENCE_NS);
}

/* Only while nobody maps anything: what is hidden is then what the first copy lacks, and nothing else is
 * hidden afterwards. */
static void copy_all(const struct scan_order *order, struct scan_task *task,
		     struct instant *instant)
{
	uint32_t lacked;

	copy_process(order, task, instant);
	if (instant->copy.pid <= 0)
		return;
	hidden_mappings_hear(&instant->mappings, &instant->copy, &lacked);
	if (lacked == 0)
		return;
	process_copy_drop(&instant->copy);
	hidden_mappings_show(&instant->mappings);
	copy_process(order, task, instant);
	hidden_mappings_hide(&instant->mappings);
	hidden_mappings_hear(&instant->mappings, &instant->copy, &lacked);
}

static void stop(const struct scan_order *order, struct scan_task *task, struct look *look,
		 struct instant *instant)
{
	struct stopped_threads *threads = &instant->threads;

	if (order->moment == SCAN_ENDED) {
		/* At least the last one; of the others nothing can be said any more. */
		threads->unread = task->threads_at_end;
		threads->stopped_ns = sys_clock_ns(CLOCK_MONOTONIC);
		look->is_stopped = true;
		return;
	}
	if (!stop_all(order, threads, &look->pause_ns)) {
		threads->unread = task->threads_at_end;
		return;
	}
	note_waiting(threads, &order->waiting);
	look->is_stopped = are_all_stopped(threads, order->waiting.tid);
}

/* Who waits for the copy waits for nothing more, also where none is made. */
static void tell_copied(const struct scan_order *order)
{
	if (order->when_copied != NULL)
		order->when_copied();
}

/* False when it must be done again: the program hides memory, and that was not known. */
static bool look_once(const struct scan_order *order, struct scan_task *task, struct look *look)
{
	struct instant instant = {.copy = {.pid = -ENOENT, .fd = -1}, .order = order};
	/* What a device writes to must not be copied; what is not shown is said to be unknown. */
	bool may_show = !process_pins_memory(), shows;
	bool has_list = (hides_memory && may_show) || hidden_mappings_list(&instant.mappings);
	uint32_t lacked = 0;

	task->threads = &instant.threads;
	task->mappings = &instant.mappings;
	task->kernel = &instant.kernel;
	if (order->moment == SCAN_ENDED)
		instant.kernel.is_blind = held_by_kernel != KERNEL_HOLDS_NOTHING;
	else
		kernel_pointers_read(&instant.kernel, process_facts.pid);
	stop(order, task, look, &instant);
	look->threads = instant.threads.count + instant.threads.left_out;
	task->unread_threads = instant.threads.unread;
	shows = hides_memory && may_show && look->is_stopped;
	if (shows) {
		has_list = hidden_mappings_list(&instant.mappings);
		copy_all(order, task, &instant);
	} else {
		copy_process(order, task, &instant);
	}
	look->pause_ns += stopped_threads_release(&instant.threads);
	if (stopped_threads_were_ended(&instant.threads)) {
		/* Of some registers nothing is known, nor of which. */
		process_copy_drop(&instant.copy);
		instant.copy = (struct process_copy){.pid = 0, .fd = -1};
	}
	instant.releases_late = instant.threads.unread > 0 && !instant.copy.is_orphan;
	if (instant.releases_late || order->goes_on != NULL) {
		instant.copy.goes_on = goes_on;
		instant.copy.context = &instant;
	}
	if (!shows && instant.copy.pid > 0)
		hidden_mappings_hear(&instant.mappings, &instant.copy, &lacked);
	stopped_threads_forget(&instant.threads);
	hidden_mappings_release(&instant.mappings);
	look->is_closed = instant.kernel.is_closed;
	kernel_pointers_release(&instant.kernel);
	if (has_list && lacked > 0 && look->is_stopped && may_show && !hides_memory) {
		hides_memory = true;
		process_copy_drop(&instant.copy);
		return false;
	}
	tell_copied(order);
	if (instant.copy.pid > 0)
		read_result(&instant.copy, look);
	else
		look->result = (struct scan_result){
			.outcome = instant.copy.pid == 0 ? SEEP_SCAN_TOO_LATE : SEEP_SCAN_NO_COPY,
			.error = (int32_t)-instant.copy.pid};
	return true;
}

static void look_at(const struct scan_order *order, struct scan_task *task, struct look *look)
{
	while (!look_once(order, task, look))
		;
}

/* Nothing would be right that is said about reachability. */
static bool is_pointless(struct scan_result *result)
{
	bool has_lost = thread_state_sum(COUNT_LOST_BLOCKS) > 0;

	if (!sampler_is_on && !has_lost)
		return false;
	*result =
		(struct scan_result){.outcome = sampler_is_on ? SEEP_SCAN_SAMPLED : SEEP_SCAN_LOST};
	return true;
}

/* The program runs on for a moment, and what was lost must still be so. */
static void look_again(const struct scan_order *order, struct scan_task *task, struct look *first)
{
	struct timespec between = {.tv_nsec = BETWEEN_SCANS_NS};
	struct look second = {.threads = 0};

	sys_call(SYS_nanosleep, &between, 0);
	task->turn = SCAN_SECOND;
	task->seen_lost = first->lost.start;
	task->seen_lost_bytes = first->lost.bytes;
	look_at(order, task, &second);
	second.pause_ns += first->pause_ns;
	second.is_stopped &= first->is_stopped;
	second.result.work_ns += first->result.work_ns;
	release(first);
	*first = second;
}

static int append(const struct scan_order *order, struct look *look, struct seep_scan *found)
{
	struct buffer *scan = &look->scan, *holders = &look->holders;
	struct seep_scan head = {.struct_bytes = sizeof(head)};
	bool is_done = look->result.outcome == SEEP_SCAN_DONE && scan->bytes >= sizeof(head);
	int result;

	if (is_done)
		memcpy(&head, scan->start, sizeof(head));
	head.snapshot = order->snapshot;
	head.reason = (uint16_t)order->reason;
	head.outcome = (uint16_t)(is_done ? SEEP_SCAN_DONE : look->result.outcome);
	head.error = look->result.error;
	if (is_done) {
		head.flags |= (look->is_stopped ? SEEP_SCAN_IS_STOPPED : 0) |
			      (order->moment == SCAN_RUNNING ? SEEP_SCAN_IS_CONFIRMED : 0) |
			      (look->is_closed ? SEEP_SCAN_IS_CLOSED : 0);
		head.threads = look->threads;
		head.unread_threads = look->result.unread_threads;
		head.pause_ns = look->pause_ns;
		head.work_ns = look->result.work_ns;
		memcpy(scan->start, &head, sizeof(head));
	} else {
		scan->bytes = 0;
		buffer_add(scan, &head, sizeof(head));
	}
	if (found != NULL)
		*found = head;
	if (scan->is_failed)
		return -ENOMEM;
	result = snapshot_writer_append(SEEP_RECORD_SCAN, scan);
	if (result != 0 || !is_done || holders->bytes < sizeof(struct seep_holders))
		return result;
	((struct seep_holders *)holders->start)->snapshot = order->snapshot;
	return snapshot_writer_append(SEEP_RECORD_HOLDERS, holders);
}

static int take(const struct scan_order *order, struct seep_scan *found)
{
	bool is_running = order->moment == SCAN_RUNNING;
	struct scan_task task = {
		.turn = is_running ? SCAN_FIRST : SCAN_ONLY,
		/* Blocks of the epoch of now are younger than the snapshot. */
		.before_epoch = is_running ? epoch_now() : 0,
		.wants_holders = true,
		.threads_at_end = thread_state_count() + 1,
		.seed = sys_clock_ns(CLOCK_MONOTONIC),
	};
	struct look look = {.threads = 0};
	int result;

	if (is_pointless(&look.result)) {
		tell_copied(order);
	} else {
		if (is_running)
			live_table_gather_pages();
		look_at(order, &task, &look);
		if (look.lost.bytes > 0 && look.result.outcome == SEEP_SCAN_DONE)
			look_again(order, &task, &look);
	}
	result = look.result.outcome == SEEP_SCAN_FAILED && look.result.error == ECANCELED
			 ? -ECANCELED
			 : append(order, &look, found);
	release(&look);
	return result;
}

/* Where no block is left that was born since, none can be lost. */
struct since {
	uint32_t epoch;
	bool has_any;
};

static void note_birth(uint64_t addr, const struct live_block *block, void *context)
{
	struct since *since = context;

	(void)addr;
	since->has_any |= block->epoch >= since->epoch;
}

static bool has_births(uint32_t since_epoch)
{
	struct since since = {.epoch = since_epoch};

	if (!snapshot_writer_hold())
		return true;
	live_table_walk(note_birth, &since);
	snapshot_writer_let_go();
	return since.has_any;
}

/* In most programs nothing is lost most of the time, and then one copy is enough. Of a program with one thread
 * nobody could have taken a pointer from where nobody looks meanwhile. */
static void look_since(const struct scan_order *order, struct scan_task *task, struct look *look)
{
	struct timespec between = {.tv_nsec = BETWEEN_SCANS_NS};
	struct look second = {.threads = 0};

	task->turn = SCAN_FIRST;
	look_at(order, task, look);
	if (look->result.outcome != SEEP_SCAN_DONE || look->lost.bytes <= LOST_LIST_EMPTY_BYTES)
		return;
	if (look->threads > 1)
		sys_call(SYS_nanosleep, &between, 0);
	task->turn = SCAN_SECOND;
	task->seen_lost = look->lost.start;
	task->seen_lost_bytes = look->lost.bytes;
	look_at(order, task, &second);
	release(look);
	*look = second;
}

static void check(const struct scan_order *order, uint32_t since_epoch, struct seep_scan *found,
		  struct buffer *sites)
{
	struct scan_task task = {
		/* What is born from now on is too young to be lost. */
		.before_epoch = atomic_fetch_add(&epoch_current, 1) + 1,
		.since_epoch = since_epoch,
		.threads_at_end = thread_state_count() + 1,
	};
	struct look look = {.result.outcome = SEEP_SCAN_DONE};

	*found = (struct seep_scan){.struct_bytes = sizeof(*found)};
	if (!is_pointless(&look.result) && has_births(since_epoch))
		look_since(order, &task, &look);
	if (look.result.outcome == SEEP_SCAN_DONE && look.scan.bytes >= sizeof(*found)) {
		memcpy(found, look.scan.start, sizeof(*found));
		*sites = look.scan;
		look.scan = (struct buffer){0};
	}
	found->outcome = (uint16_t)look.result.outcome;
	found->error = look.result.error;
	release(&look);
}

/* Where there is no helper threads may ask at once. */
static _Atomic(uint32_t) busy_tid;

/* A thread that is gone has left it, and so has one of the parent in a forked child. */
static int begin(void)
{
	uint32_t own = sys_tid(), holder = 0;

	while (!atomic_compare_exchange_strong(&busy_tid, &holder, own)) {
		if (holder == own)
			return -EDEADLK;
		if (sys_call(SYS_tgkill, sys_pid(), holder, 0) != -ESRCH)
			return -EBUSY;
	}
	return 0;
}

static void end(void)
{
	atomic_store(&busy_tid, 0);
}

int scan_take(const struct scan_order *order, struct seep_scan *found)
{
	int result = begin();

	if (result != 0)
		return result;
	result = take(order, found);
	end();
	return result;
}

int scan_check(const struct scan_order *order, uint32_t since_epoch, struct seep_scan *found,
	       struct buffer *sites)
{
	int result = begin();

	if (result != 0)
		return result;
	check(order, since_epoch, found, sites);
	end();
	return 0;
}
