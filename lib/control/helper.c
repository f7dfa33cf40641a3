/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: who takes the snapshots, beside the program's threads.
 *
 * The process is made with a raw clone(CLONE_VM): it shares the memory but neither descriptors nor
 * signal handlers, is no thread and no child of the program. Because it keeps the memory alive, it
 * can write the exact last state after the program was killed, has exited, or has been replaced by
 * exec. It has its own session, all signals blocked, and CLONE_UNTRACED keeps debuggers from taking
 * it for a thread of the program.
 *
 * It shares the TLS of the thread that made it and must not touch it: no errno, no guard, nothing
 * of libc but memcpy and the like.
 *
 *   Runs in   the target (start, notes); the helper (the loop)
 *   Locks     none of its own
 *   Memory    a stack of 256 KiB
 *   Calls     clone, pidfd_open, signalfd4, ppoll, rt_sigtimedwait, close_range
 *   Failure   cannot be started: the program's own threads take the snapshots
 */
#include "lib/control/helper.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/options.h"
#include "lib/base/raw_task.h"
#include "lib/base/region.h"
#include "lib/base/run_clock.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/control_server.h"
#include "lib/control/findings.h"
#include "lib/control/identity.h"
#include "lib/control/mailbox.h"
#include "lib/control/memory_alarm.h"
#include "lib/control/memory_pressure.h"
#include "lib/control/name_tool.h"
#include "lib/control/schedule.h"
#include "lib/record/call_tree.h"
#include "lib/scan/scan.h"
#include "lib/scan/stopped_threads.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define STACK_BYTES (256u << 10)
#define MIDWIFE_BYTES (4u << 10)
#define EXEC_WATCH_NS 1000000000ull
#define EXEC_FIRST_PAUSE_NS 200000ull
#define SUCCESSOR_PATIENCE_NS 10000000

bool helper_is_inline(void)
{
	return mailbox_reader.kind == SNAPSHOTS_BY_INLINE;
}

bool helper_outlives_us(void)
{
	return mailbox_reader.kind == SNAPSHOTS_BY_PROCESS;
}

/* ---- in the helper ------------------------------------------------------------------------- */

enum { WATCH_PROGRAM, WATCH_CALLERS, WATCH_WAKE, WATCH_PRESSURE, WATCH_COUNT };

static void take_the_name(void)
{
	char name[16];
	struct text text = TEXT_IN(name);

	text_add(&text, HELPER_NAME_PREFIX);
	text_add(&text, process_facts.name);
	sys_call(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
}

static bool has_looked_last; /* the scan at the end has been made, as well as it can be */

/* What is being served. Who has asked may have left meanwhile, and another one have put down what he
 * wants. */
static uint32_t served_number;
static struct request served;
static bool is_serving; /* it has yet to be answered, or what was asked for goes on */

static void answer_last_request(void)
{
	mailbox_answer(served_number, 0);
}

static void snapshot_if_due(void)
{
	enum seep_snapshot_reason reason;
	struct snapshot_result result;

	if (!schedule_is_due(&reason))
		return;
	snapshot_writer_take(reason, NULL, false, &result);
	schedule_taken(&result);
	/* The process may have gone when it is scanned. */
	if (options.scans_at_exit && helper_outlives_us())
		scan_note_kernel();
}

static void serve_request(void);

/* What is to be written then is the end. */
static bool has_left_us(void)
{
	return atomic_load(&mailbox->is_exec_near) != 0 ||
	       (helper_outlives_us() && (process_has_ended() || process_has_new_memory()));
}

/* While a copy of the process is being read, which may take seconds: all that needs no scan. */
static bool work_meanwhile(void)
{
	if (has_left_us())
		return true;
	identity_follow();
	call_tree_prepare();
	snapshot_if_due();
	if (!is_serving && mailbox_has_request() && !wish_is_scan(mailbox->request.wish))
		serve_request();
	return true;
}

/* The scan that was asked for, after its snapshot. */
static void serve_scan(uint32_t snapshot)
{
	bool is_last = served.wish == WISH_LAST_SCAN;
	struct scan_order order = {
		.moment = is_last ? SCAN_ENDING : SCAN_RUNNING,
		.reason = is_last ? SEEP_REASON_FINAL : served.reason,
		.snapshot = snapshot,
		.waiting = served.waiting,
		.goes_on = is_last ? NULL : work_meanwhile,
		/* A thread is gone with the program: it is waited for. */
		.when_copied = is_last && helper_outlives_us() ? answer_last_request : NULL,
	};
	struct seep_scan found = {.struct_bytes = 0};
	int error = scan_take(&order, &found);

	/* Where another thread ended the program meanwhile its memory is still there. */
	has_looked_last |= is_last && found.outcome != SEEP_SCAN_TOO_LATE;
	if (order.when_copied != NULL)
		return;
	mailbox->found = found;
	mailbox_answer(served_number, error);
}

static void serve_snapshot(void)
{
	struct snapshot_result result;
	int error = snapshot_writer_take(served.reason, served.label[0] != 0 ? served.label : NULL,
					 false, &result);

	schedule_taken(&result);
	if (served.wish == WISH_SNAPSHOT || error != 0)
		mailbox_answer(served_number, error);
	else
		serve_scan(result.number);
}

static void serve_names(void)
{
	/* Ours while it takes: whoever has asked may have left. */
	struct buffer text = mailbox->findings;

	mailbox->findings = (struct buffer){0};
	if (helper_outlives_us())
		name_tool_ask(&text);
	mailbox->findings = text;
	mailbox_answer(served_number, 0);
}

static void serve_check(void)
{
	struct scan_order order = {
		.moment = SCAN_RUNNING, .waiting = served.waiting, .goes_on = work_meanwhile};
	struct buffer sites = {0}, findings = {0};
	struct seep_scan found = {0};
	int error = scan_check(&order, served.since_epoch, &found, &sites);

	findings_write_lost(&findings, &found, &sites);
	buffer_release(&sites);
	if (helper_outlives_us())
		name_tool_ask(&findings);
	/* Of one who has not waited for it. */
	buffer_release(&mailbox->findings);
	mailbox->findings = findings;
	mailbox->found = found;
	mailbox_answer(served_number, error);
}

static void serve_request(void)
{
	if (!mailbox_has_request())
		return;
	served_number = atomic_load(&mailbox->requested);
	INVARIANT((int32_t)(served_number - atomic_load(&mailbox->done)) > 0, served_number,
		  atomic_load(&mailbox->done));
	served = mailbox->request;
	served.label[sizeof(served.label) - 1] = 0;
	is_serving = true;
	switch (served.wish) {
	case WISH_CHECK:
		serve_check();
		break;
	case WISH_NAMES:
		serve_names();
		break;
	case WISH_WORK:
		served.work(served.context);
		mailbox_answer(served_number, 0);
		break;
	case WISH_SNAPSHOT:
	case WISH_SCAN:
	case WISH_LAST_SCAN:
		serve_snapshot();
		break;
	}
	is_serving = false;
}

/* A program that ends, or becomes another one, is not to wait for a scan that nobody has asked for, nor
 * is who asks for one. */
static bool is_left_alone(void)
{
	if (has_left_us())
		return false;
	work_meanwhile();
	return !mailbox_has_request();
}

static void scan_if_due(void)
{
	struct scan_order order = {
		.moment = SCAN_RUNNING, .reason = SEEP_REASON_INTERVAL, .goes_on = is_left_alone};
	struct snapshot_result result;
	int error;

	/* The last one is what is known of the end; the program goes on for a moment. */
	if (has_looked_last || !schedule_scan_is_due())
		return;
	error = snapshot_writer_take(order.reason, NULL, false, &result);
	schedule_taken(&result);
	order.snapshot = result.number;
	if (error == 0)
		scan_take(&order, NULL);
	schedule_scan_taken();
}

static void write_last_words(enum seep_snapshot_reason reason, int pidfd)
{
	struct process_end end;

	struct snapshot_result last;

	snapshot_writer_take(reason, NULL, true, &last);
	if (reason == SEEP_REASON_EXEC) {
		/* A fork that lived only to exec has nothing to tell. */
		if (process_facts.forked_from == 0 || snapshot_writer_last().number > 1 ||
		    !snapshot_file_remove())
			snapshot_writer_end(SEEP_END_EXEC, 0);
		return;
	}
	/* Killed, or ended past our doors: its registers are gone, its memory is not. */
	if (options.scans_at_exit && !has_looked_last && !atomic_load(&mailbox->refuses_last_scan))
		scan_take(&(struct scan_order){.moment = SCAN_ENDED,
					       .reason = SEEP_REASON_FINAL,
					       .snapshot = last.number},
			  NULL);
	end = process_end_read(pidfd);
	if (!end.is_known && atomic_load(&mailbox->has_exit_status))
		end = (struct process_end){.is_known = true,
					   .status = atomic_load(&mailbox->exit_status) & 0xff};
	snapshot_writer_end(!end.is_known   ? SEEP_END_UNKNOWN
			    : end.is_signal ? SEEP_END_SIGNAL
					    : SEEP_END_EXIT,
			    end.status);
}

/* The program said that it is about to exec. True when it did; false when that failed. */
static bool exec_happens(int pidfd)
{
	uint64_t pause = EXEC_FIRST_PAUSE_NS, waited = 0;
	struct pollfd program = {.fd = pidfd, .events = POLLIN};

	while (atomic_load(&mailbox->is_exec_near) != 0 && waited < EXEC_WATCH_NS) {
		struct timespec timeout = {.tv_nsec = (long)pause};

		if (process_has_new_memory())
			return true;
		if (pidfd >= 0 && sys_call(SYS_ppoll, &program, 1, &timeout, 0, 0) == 1)
			return false;
		if (pidfd < 0)
			sys_sleep_ns(pause);
		waited += pause;
		if (pause < EXEC_FIRST_PAUSE_NS * 64)
			pause *= 2;
	}
	return false;
}

/* Without a pidfd (before Linux 5.3) /proc must tell. */
static bool has_ended(int pidfd, short events)
{
	return pidfd >= 0 ? events != 0 : process_has_ended();
}

/* The pid may be another's by now, when the program ended before we got here. */
static int open_pidfd(void)
{
	int pidfd = (int)sys_call(SYS_pidfd_open, process_facts.pid, 0);

	if (pidfd >= 0 && process_is_another()) {
		sys_call(SYS_close, pidfd);
		pidfd = -1;
	}
	return pidfd;
}

/* Whoever controls the program controls us: its memory is ours. */
static void follow_identity(void)
{
	if (atomic_exchange(&mailbox->is_identity_near, 0) != 0)
		identity_follow_change();
	else
		identity_follow();
}

/* The kernel refuses to look at more descriptors than a task may have, and a thread has the program's
 * limit: then signals and /proc must tell. */
static void await_event(struct pollfd *watched, const struct timespec *timeout, uint64_t wake_set)
{
	struct timespec left = *timeout;

	if (sys_call(SYS_ppoll, watched, WATCH_COUNT, &left, 0, 0) >= 0)
		return;
	for (int i = 0; i < WATCH_COUNT; i++)
		watched[i].revents = 0;
	sys_call(SYS_rt_sigtimedwait, &wake_set, 0, timeout, sizeof(wake_set));
	if (helper_outlives_us() && process_has_ended())
		watched[WATCH_PROGRAM].revents = POLLIN;
}

/* An exec that was announced and did not fail took place; what has ended since is the program after it.
 * One past our doors has been noticed, unless the end came sooner than the next look. */
static bool had_become_another(int callers)
{
	struct pollfd successor = {.fd = callers, .events = POLLIN};
	struct timespec patience = {.tv_nsec = SUCCESSOR_PATIENCE_NS};

	if (atomic_load(&mailbox->is_exec_near) != 0)
		return true;
	if (atomic_load(&mailbox->has_exit_status) != 0)
		return false;
	if (process_had_become_another())
		return true;
	/* It may be just as busy with the same end. */
	return callers >= 0 && sys_call(SYS_ppoll, &successor, 1, &patience, 0, 0) == 1 &&
	       control_server_has_successor(callers);
}

static void watch_program(void)
{
	uint64_t wake_set = 1ull << (MAILBOX_WAKE_SIGNAL - 1);
	struct pollfd watched[WATCH_COUNT] = {
		[WATCH_PROGRAM] = {.events = POLLIN},
		[WATCH_CALLERS] = {.events = POLLIN},
		[WATCH_WAKE] = {.events = POLLIN},
		[WATCH_PRESSURE] = {.events = POLLPRI},
	};
	char drained[512];
	int pidfd;

	/* Tells of a thread that was to be stopped for a scan, and has stopped too late. A thread's would be
	 * the program's own. */
	if (helper_outlives_us())
		wake_set |= 1ull << (SIGCHLD - 1);
	watched[WATCH_WAKE].fd = (int)sys_call(SYS_signalfd4, -1, &wake_set, sizeof(wake_set),
					       O_CLOEXEC | O_NONBLOCK);
	pidfd = helper_outlives_us() ? open_pidfd() : -1;
	watched[WATCH_PROGRAM].fd = pidfd < 0 ? -1 : pidfd;
	watched[WATCH_CALLERS].fd = control_server_open();
	for (;;) {
		uint64_t pause = schedule_pause_ns();
		struct timespec timeout = {.tv_sec = (time_t)(pause / 1000000000u),
					   .tv_nsec = (long)(pause % 1000000000u)};

		if (helper_outlives_us()) {
			if (has_ended(pidfd, watched[WATCH_PROGRAM].revents)) {
				bool had_execed = had_become_another(watched[WATCH_CALLERS].fd);

				sys_call(SYS_close, watched[WATCH_CALLERS].fd);
				write_last_words(had_execed ? SEEP_REASON_EXEC : SEEP_REASON_FINAL,
						 pidfd);
				return;
			}
			if ((atomic_load(&mailbox->is_exec_near) != 0 && exec_happens(pidfd)) ||
			    process_has_new_memory()) {
				sys_call(SYS_close, watched[WATCH_CALLERS].fd);
				write_last_words(SEEP_REASON_EXEC, pidfd);
				return;
			}
		}
		/* After an exec the helper of the program before us may still have the name. */
		if (watched[WATCH_CALLERS].fd < 0)
			watched[WATCH_CALLERS].fd = control_server_open();
		watched[WATCH_PRESSURE].fd =
			helper_outlives_us() ? memory_pressure_watch(run_clock_ns()) : -1;
		/* Without a pidfd this also is how soon an end is noticed. */
		await_event(watched, &timeout, wake_set);
		if (watched[WATCH_WAKE].revents != 0)
			sys_call(SYS_read, watched[WATCH_WAKE].fd, drained, sizeof(drained));
		if (watched[WATCH_PRESSURE].revents & POLLERR)
			memory_pressure_lose();
		else if (watched[WATCH_PRESSURE].revents & POLLPRI)
			memory_alarm_note_pressure();
		follow_identity();
		call_tree_prepare();
		serve_request();
		if (watched[WATCH_CALLERS].revents != 0 &&
		    !control_server_serve(watched[WATCH_CALLERS].fd, work_meanwhile)) {
			sys_call(SYS_close, watched[WATCH_CALLERS].fd);
			watched[WATCH_CALLERS].fd = -1;
		}
		snapshot_if_due();
		scan_if_due();
		if (helper_outlives_us())
			stopped_threads_release_late();
	}
}

/* Handlers are our own, in a process, and were the program's: it may have been deaf to this one. */
static void hear_of_children(void)
{
	static const uint64_t as_usual[4]; /* the kernel's struct sigaction with SIG_DFL */

	sys_call(SYS_rt_sigaction, SIGCHLD, as_usual, 0, sizeof(uint64_t));
}

static void helper_main(void)
{
	int held;

	invariant_note_helper(process_facts.pid);
	held = snapshot_file_hold();
	INVARIANT(held >= 0, held, mailbox_reader.kind);
	/* Pipes must end when the program closes them. */
	sys_close_all_but(held);
	if (helper_outlives_us()) {
		sys_call(SYS_setsid);
		sys_call(SYS_chdir, "/");
		hear_of_children();
		take_the_name();
	}
	watch_program();
}

/* ---- in the program ------------------------------------------------------------------------ */

#define PROCESS_FLAGS (CLONE_VM | CLONE_UNTRACED)
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_UNTRACED)

static char *new_stack; /* the helper's, its upper end used by the midwife before it is born */

static void be_midwife(void)
{
	long tid;

	/* The helper has it from its first moment on: see other_helpers. */
	take_the_name();
	tid = raw_task_start(PROCESS_FLAGS, new_stack + STACK_BYTES - MIDWIFE_BYTES, helper_main);

	atomic_store(&mailbox_reader.tid, tid > 0 ? (uint32_t)tid : 0);
}

/* The helper process is made by a short-lived one, so it is no child of the program: even wait with
 * __WALL does not see it, and after an exec no zombie of it stays with the program. Who adopts
 * orphans adopts it. A program that does so itself gets it directly: then only __WALL sees it. */
static bool make_process(void)
{
	int adopts = 0, status;
	long midwife, tid;

	sys_call(SYS_prctl, PR_GET_CHILD_SUBREAPER, &adopts, 0, 0, 0);
	if (process_facts.pid == 1 || adopts != 0) {
		tid = raw_task_start(PROCESS_FLAGS, new_stack + STACK_BYTES, helper_main);
		atomic_store(&mailbox_reader.tid, tid > 0 ? (uint32_t)tid : 0);
		return tid > 0;
	}
	midwife = raw_task_start(PROCESS_FLAGS | CLONE_VFORK, new_stack + STACK_BYTES, be_midwife);
	if (midwife < 0)
		return false;
	while (sys_call(SYS_wait4, midwife, &status, __WALL, 0) == -EINTR)
		;
	return atomic_load(&mailbox_reader.tid) != 0;
}

static bool make_thread(void)
{
	long tid = raw_task_start(THREAD_FLAGS, new_stack + STACK_BYTES, helper_main);

	atomic_store(&mailbox_reader.tid, tid > 0 ? (uint32_t)tid : 0);
	return tid > 0;
}

/* Where the kernel asks whom a process may be traced by (Yama), it is told. */
void helper_allow_tracing(void)
{
	if (helper_outlives_us())
		sys_call(SYS_prctl, PR_SET_PTRACER, atomic_load(&mailbox_reader.tid), 0, 0, 0);
}

void helper_start(void)
{
	uint64_t all = ~0ull, before;
	bool is_made;

	mailbox_reader.kind = SNAPSHOTS_BY_INLINE;
	new_stack = region_map(STACK_BYTES, REGION_KEPT_ON_FORK);
	/* The first process made after unshare(CLONE_NEWPID) becomes the init of the new namespace:
	 * that must be the program's. */
	if (options.snapshots_by == SNAPSHOTS_BY_INLINE || !mailbox_open() || new_stack == NULL ||
	    process_children_are_elsewhere()) {
		snapshot_file_close();
		return;
	}
	mailbox_reader.kind = options.snapshots_by;
	snapshot_file_hand_over();
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	is_made = helper_outlives_us() ? make_process() : make_thread();
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof(before));
	if (!is_made) {
		mailbox_reader.kind = SNAPSHOTS_BY_INLINE;
		region_unmap(new_stack, STACK_BYTES);
		snapshot_file_close();
		return;
	}
	if (options.scans_at_exit)
		helper_allow_tracing();
	snapshot_file_leave();
}

void helper_refuse_last_scan(void)
{
	if (mailbox != NULL)
		atomic_store(&mailbox->refuses_last_scan, 1);
}

void helper_note_exec(void)
{
	if (mailbox == NULL || !helper_outlives_us())
		return;
	atomic_store(&mailbox->is_exec_near, 1);
	mailbox_signal_reader();
}

void helper_note_identity(void)
{
	if (mailbox == NULL || helper_is_inline())
		return;
	/* Until the helper has seen it, it has been told; some programs change their user a thousand
	 * times a second. */
	if (atomic_exchange(&mailbox->is_identity_near, 1) == 0)
		mailbox_signal_reader();
}

void helper_note_exec_failed(void)
{
	if (mailbox != NULL)
		atomic_store(&mailbox->is_exec_near, 0);
}

void helper_note_exit(int status)
{
	if (mailbox == NULL)
		return;
	atomic_store(&mailbox->exit_status, status);
	atomic_store(&mailbox->has_exit_status, 1);
}

void helper_postfork_child(void)
{
	has_looked_last = is_serving = false;
	mailbox_postfork_child();
	identity_postfork_child();
	invariant_note_helper(0);
}
