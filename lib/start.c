/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: birth, fork and death of the library in a process; the only file that sees all folders.
 *
 * Recording begins with the first call of a door, which may come before any constructor: it needs
 * no settings. The constructor reads the settings, creates the file and starts the helper, or
 * switches everything off. A forked child goes on recording at once; its file and its helper come
 * with a thread's 8th allocation or with its exit, so a fork that only execs costs and leaves
 * nothing.
 *
 *   Runs in   the target: first door call, constructor, first door call after a fork, exit
 *   Locks     none across a fork: what a lost thread was changing is mended in the child
 *   Memory    a page for the switch
 *   Calls     on_exit. No pthread_atfork: others' handlers, which may allocate, would run in between
 *   Failure   transparent: LIFE_OFF, said once on stderr in one line
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/life.h"
#include "lib/base/options.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/followed_parent.h"
#include "lib/control/helper.h"
#include "lib/control/other_helpers.h"
#include "lib/control/request.h"
#include "lib/control/schedule.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/lsan_doors.h"
#include "lib/interpose/named_doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"
#include "lib/record/sampler.h"
#include "lib/record/self_check.h"
#include "lib/record/thread_state.h"
#include "lib/scan/exit_point.h"
#include "lib/snapshot/lent_file.h"
#include "lib/snapshot/memory_lock.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_writer.h"
#include "lib/snapshot/suppressions_record.h"
#include "seep/control_protocol.h"
#include "seep/settings.h"

#include "lib/base/poison.h"

static volatile uint32_t first_switch[2] = {LIFE_ASLEEP, LIFE_TICK_MASK_GROWN};
volatile uint32_t *life_switch_word = first_switch;

enum stage {
	STAGE_UNBORN,
	STAGE_BEING_BORN,
	STAGE_RECORDING, /* no file yet */
	STAGE_WRITING,
	STAGE_OFF,
};

static _Atomic(uint32_t) stage = STAGE_UNBORN;
static _Atomic(bool) is_constructed;
static _Atomic(bool) has_scanned_last; /* exit passes two of our doors */
static uint32_t own_pid;

static void say(const char *what, const char *about, int error)
{
	char line[512];
	struct text text = TEXT_IN(line);

	if (options.is_quiet)
		return;
	text_add(&text, "seep: ");
	text_add(&text, what);
	if (about != NULL) {
		text_add(&text, " ");
		text_add(&text, about);
	}
	if (error != 0) {
		text_add(&text, ": ");
		text_add(&text, strerrordesc_np(-error));
	}
	text_add(&text, "\n");
	sys_write_all(2, line, text.bytes);
}

static void switch_off(void)
{
	atomic_store(&stage, STAGE_OFF);
	*life_switch_word = LIFE_OFF;
}

static const char *value_in(char *const *variables, const char *name)
{
	size_t bytes = text_bytes(name);

	for (; variables != NULL && *variables != NULL; variables++)
		if (strncmp(*variables, name, bytes) == 0 && (*variables)[bytes] == '=')
			return *variables + bytes + 1;
	return NULL;
}

/* What the process was started with, for as long as libc has not looked at it. */
#define ENVIRONMENT_MAX (4u << 20)

static uint64_t read_sample_of_start(void)
{
	char *text = region_map(ENVIRONMENT_MAX, REGION_KEPT_ON_FORK);
	char *variables[2] = {text, NULL};
	uint64_t mean_bytes = 0;
	long bytes;

	if (text == NULL)
		return 0;
	bytes = sys_read_file("/proc/self/environ", text, ENVIRONMENT_MAX - 1);
	for (; variables[0] < text + bytes && mean_bytes == 0;
	     variables[0] += text_bytes(variables[0]) + 1)
		mean_bytes = options_read_sample(value_in(variables, SEEP_OPTIONS_VARIABLE));
	region_unmap(text, ENVIRONMENT_MAX);
	return mean_bytes;
}

/* Before the first block is recorded: a process samples from its first block on, or never. */
static void start_sampling(void)
{
	uint64_t mean_bytes =
		environ != NULL ? options_read_sample(value_in(environ, SEEP_OPTIONS_VARIABLE))
				: read_sample_of_start();

	if (mean_bytes != 0)
		sampler_start(mean_bytes);
}

static bool be_born(void)
{
	uint32_t unborn = STAGE_UNBORN;
	uint32_t *page;

	if (!atomic_compare_exchange_strong(&stage, &unborn, STAGE_BEING_BORN))
		return false; /* another thread is at it; this allocation is not recorded */
	thread_state_pid = own_pid = sys_pid();
	page = region_map(4096, REGION_WIPED_ON_FORK);
	if (page == NULL || !recorder_start()) {
		switch_off();
		return false;
	}
	start_sampling();
	page[1] = LIFE_TICK_MASK_GROWN;
	page[0] = LIFE_ON;
	life_switch_word = page;
	module_list_refresh();
	atomic_store(&stage, STAGE_RECORDING);
	return true;
}

/* As a child. */
static bool is_chosen(void)
{
	return options_follow_child(process_facts.name, options.children == CHILDREN_NAMED
								? process_program_path()
								: "");
}

/* In a forked child, whichever way it was made. */
static void go_on_after_fork(void)
{
	uint32_t parent = own_pid;

	thread_state_pid = own_pid = sys_pid();
	atomic_store(&has_scanned_last, false);
	recorder_postfork_child();
	snapshot_writer_postfork_child();
	helper_postfork_child();
	process_facts_read(parent);
	if (!is_chosen()) {
		switch_off();
		return;
	}
	schedule_start();
	atomic_store(&stage, STAGE_RECORDING);
	LIFE_TICK_MASK = LIFE_TICK_MASK_YOUNG;
	*life_switch_word = LIFE_ON;
}

bool life_wake_slow(void)
{
	switch (atomic_load(&stage)) {
	case STAGE_UNBORN:
		return be_born();
	case STAGE_BEING_BORN:
		return false;
	case STAGE_OFF:
		*life_switch_word = LIFE_OFF; /* a fork has wiped it */
		return false;
	default:
		if (*life_switch_word == LIFE_ON)
			return true;
		go_on_after_fork();
		return *life_switch_word == LIFE_ON;
	}
}

static void start_writing(bool is_starting)
{
	uint32_t recording = STAGE_RECORDING;
	int error;

	if (!atomic_load(&is_constructed) ||
	    !atomic_compare_exchange_strong(&stage, &recording, STAGE_WRITING))
		return;
	LIFE_TICK_MASK = LIFE_TICK_MASK_GROWN;
	error = snapshot_writer_start();
	if (error != 0) {
		/* Later than in the constructor descriptor 2 may be anything. seep run says it itself, and of a
		 * tree one process is enough. */
		if (is_starting && options.root_pid == 0 && !followed_parent_is_there())
			say("cannot write snapshots to", options.output, error);
		switch_off();
		return;
	}
	schedule_start();
	helper_start();
}

void life_tick_slow(void)
{
	enum seep_snapshot_reason reason;
	struct snapshot_result result;

	start_writing(false);
	if (atomic_load(&stage) == STAGE_WRITING && helper_is_inline() &&
	    schedule_is_due(&reason)) {
		snapshot_writer_take(reason, NULL, false, &result);
		schedule_taken(&result);
	}
	if (atomic_load(&stage) == STAGE_WRITING && helper_is_inline() && schedule_scan_is_due()) {
		schedule_scan_taken();
		request_scan_inline(SEEP_REASON_INTERVAL, NULL, false, NULL);
		schedule_scan_taken();
	}
}

/* The process was vforked and not yet replaced: this memory belongs to the parent. */
static bool is_guest_of_parent(void)
{
	return own_pid != sys_pid();
}

static bool is_recording_here(void)
{
	return (*life_switch_word == LIFE_ON || *life_switch_word == LIFE_ASLEEP) && life_is_on() &&
	       !is_guest_of_parent();
}

void life_before_exec(void)
{
	if (!is_recording_here() || atomic_load(&stage) != STAGE_WRITING)
		return;
	if (helper_outlives_us()) {
		helper_note_exec();
		return;
	}
	snapshot_writer_take(SEEP_REASON_EXEC, NULL, false, NULL);
	snapshot_writer_end(SEEP_END_EXEC, 0);
}

void life_exec_failed(void)
{
	if (!is_guest_of_parent())
		helper_note_exec_failed();
}

/* In the helper. */
static void write_last_state(void *status)
{
	snapshot_writer_take(SEEP_REASON_FINAL, NULL, false, NULL);
	snapshot_writer_end(SEEP_END_EXIT, *(int *)status & 0xff);
}

/* `exiting`: see exit_point. */
static void before_exit(int status, const struct waiting_thread *exiting)
{
	bool scans;

	if (!is_recording_here())
		return;
	start_writing(false);
	if (atomic_load(&stage) != STAGE_WRITING)
		return;
	scans = options.scans_at_exit && !atomic_exchange(&has_scanned_last, true);
	helper_note_exit(status);
	if (!helper_outlives_us()) {
		if (scans && helper_is_inline())
			request_scan_inline(SEEP_REASON_REQUEST, NULL, true, NULL);
		else if (scans)
			request_last_scan(exiting);
		snapshot_writer_take(SEEP_REASON_FINAL, NULL, false, NULL);
		snapshot_writer_end(SEEP_END_EXIT, status & 0xff);
	} else if (own_pid == 1) {
		/* The end of a PID namespace's first process takes the helper with it, and those of all
		 * others. */
		if (scans)
			request_scan(SEEP_REASON_REQUEST, "", NULL);
		request_work(write_last_state, &status);
		other_helpers_await();
	} else if (scans) {
		request_last_scan(exiting);
	}
}

void life_before_exit(int status)
{
	before_exit(status, &(const struct waiting_thread){.tid = 0});
}

static void at_exit(int status, void *unused)
{
	struct waiting_thread exiting = {.tid = 0};

	(void)unused;
	if (options.scans_at_exit)
		exit_point_find(__builtin_frame_address(0), real_exit_addr(), &exiting);
	before_exit(status, &exiting);
}

/* Started by exec, so root and child look the same unless seep run has told who is who. Without it
 * "none" can only keep forks out. */
static bool is_followed(void)
{
	if (options.root_pid == process_facts.pid ||
	    (options.root_pid == 0 && options.children == CHILDREN_NONE))
		return true;
	return is_chosen();
}

/* A tree of processes says once what is missing. */
static bool is_root(void)
{
	return options.root_pid == 0 || options.root_pid == process_facts.pid;
}

static void start_self_check(void)
{
	const char *problem = self_check_start();

	if (problem != NULL && is_root())
		say("the self-check", problem, 0);
}

/* Valgrind ends a program that makes a process by clone, and most of its tools replace malloc. Whoever asks for
 * snapshots inline counts our instructions. What it preloads is in LD_PRELOAD of the programs that it
 * runs, and of no others. */
static bool is_run_by_valgrind(void)
{
	static const char valgrinds[] = "/vgpreload_core";
	const char *list = value_in(environ, "LD_PRELOAD");

	for (; list != NULL && *list != 0; list++)
		if (strncmp(list, valgrinds, sizeof(valgrinds) - 1) == 0)
			return true;
	return false;
}

/* A child that has no such allocator is nobody's concern. */
static void follow_allocator(void)
{
	const char *problem = named_doors_open(options.allocator);
	char what[128];
	struct text text = TEXT_IN(what);

	process_facts.follows_allocator = problem == NULL;
	if (problem == NULL || !is_root())
		return;
	text_add(&text, options.allocator);
	text_add(&text, "malloc of ");
	text_add(&text, process_facts.name);
	text_add(&text, " is not followed:");
	say(what, problem, 0);
}

/* What it would tell LeakSanitizer, which also asks before anything else of the program runs. */
static void ask_program(void)
{
	const char *suppressions = lsan_doors_suppressions();

	if (options.scans_at_exit && lsan_doors_are_turned_off())
		options.scans_at_exit = false;
	if (suppressions != NULL)
		suppressions_record_note(suppressions);
}

__attribute__((constructor(101))) static void start(void)
{
	char complaint[512];

	options_parse(value_in(environ, SEEP_OPTIONS_VARIABLE), complaint, sizeof(complaint));
	if (complaint[0] != 0)
		say(complaint, NULL, 0);
	process_facts_read(0);
	process_facts.has_own_malloc = real_functions_are_behind_another();
	if (!life_is_on()) {
		say("no memory for its tables; this process is not watched", NULL, 0);
		return;
	}
	if (!is_followed()) {
		switch_off();
		return;
	}
	if (options.snapshots_by != SNAPSHOTS_BY_INLINE && is_run_by_valgrind()) {
		if (is_root())
			say("Valgrind runs this process; it is not watched", NULL, 0);
		switch_off();
		return;
	}
	ask_program();
	if (options.allocator[0] != 0)
		follow_allocator();
	if (options.selfcheck_one_in != 0)
		start_self_check();
	on_exit(at_exit, NULL);
	atomic_store(&is_constructed, true);
	start_writing(true);
}

int life_lock_memory(int flags)
{
	return memory_lock_all(flags);
}

bool life_is_writing(void)
{
	if (!is_recording_here())
		return false;
	start_writing(false);
	return atomic_load(&stage) == STAGE_WRITING;
}

void life_before_confinement(bool hides_folder)
{
	if (life_is_writing() && hides_folder)
		lent_file_expect();
}

void life_before_identity(void)
{
	if (!life_is_writing())
		return;
	lent_file_expect();
	helper_note_identity();
}

static int scan_for_program(const char *label, struct seep_scan *found)
{
	int error;

	if (!life_is_writing())
		return 0;
	error = helper_is_inline() ? request_scan_inline(SEEP_REASON_REQUEST, label, false, found)
				   : request_scan(SEEP_REASON_REQUEST, label, found);
	return error != 0 ? -error : found->outcome == SEEP_SCAN_DONE ? 0 : ENOTSUP;
}

int64_t life_look_for_leaks(const char *label, bool is_last)
{
	struct seep_scan found = {0};
	int error;

	if (is_last && atomic_exchange(&has_scanned_last, true))
		return 0;
	error = scan_for_program(label, &found);
	if (is_last)
		helper_refuse_last_scan();
	return error != 0 ? -error : (int64_t)(found.definitely_blocks + found.indirectly_blocks);
}

static int take_for_program(enum seep_snapshot_reason reason, const char *label)
{
	char name[SEEP_CONTROL_LABEL_BYTES];
	struct text text = TEXT_IN(name);
	struct snapshot_result result;
	int error;

	if (!life_is_writing())
		return 0;
	if (!helper_is_inline()) {
		error = request_snapshot(reason, label);
		if (error != -ESRCH)
			return -error;
	}
	text_add(&text, label == NULL ? "" : label);
	error = snapshot_writer_take(reason, name[0] != 0 ? name : NULL, false, &result);
	schedule_taken(&result);
	return -error;
}

int seep_snapshot_(const char *label);
int seep_scan_(const char *label);
int seep_mark_(const char *label);

DOOR int seep_snapshot_(const char *label)
{
	return take_for_program(SEEP_REASON_REQUEST, label);
}

DOOR int seep_mark_(const char *label)
{
	if (label == NULL || label[0] == 0)
		return EINVAL;
	return take_for_program(SEEP_REASON_MARK, label);
}

DOOR int seep_scan_(const char *label)
{
	struct seep_scan found;

	return scan_for_program(label, &found);
}
