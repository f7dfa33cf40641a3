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
 *   Runs in   the target (start, requests); the helper (the loop)
 *   Locks     none of its own
 *   Memory    one page shared with the program and wiped on fork, a stack of 256 KiB
 *   Calls     clone, pidfd_open, signalfd4, ppoll, close_range
 *   Failure   cannot be started: the program's own threads take the snapshots
 */
#include "lib/control/helper.h"

#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
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
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/control_server.h"
#include "lib/control/findings.h"
#include "lib/control/name_tool.h"
#include "lib/control/schedule.h"
#include "lib/record/call_tree.h"
#include "lib/scan/scan.h"
#include "lib/scan/stopped_threads.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "seep/control_protocol.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define STACK_BYTES (256u << 10)
#define MIDWIFE_BYTES (4u << 10)
#define WAKE_SIGNAL SIGUSR1 /* sent to the helper only; it blocks all and reads this one */
#define REQUEST_PATIENCE_NS 60000000000ull
#define LABEL_PAUSE_NS 1000000u
#define GIVE_WAY_NS (3 * LABEL_PAUSE_NS)
#define EXEC_WATCH_NS 1000000000ull
#define EXEC_FIRST_PAUSE_NS 200000ull

enum wish {
	WISH_SNAPSHOT,
	WISH_SCAN, /* a snapshot, and a scan after it */
	WISH_LAST_SCAN, /* the same by the thread that ends the program, who does not wait for the result */
	WISH_CHECK, /* neither, but what is lost of what was born since */
	WISH_NAMES, /* none of it, but names for the addresses in the findings */
	WISH_WORK,  /* something else that is best done beside the program */
};

/* What program and helper say to each other. */
struct mailbox {
	_Atomic(uint32_t) requested, done; /* snapshots asked for and finished; done is a futex */
	_Atomic(int32_t) error;		   /* of the last one */
	char label[SEEP_CONTROL_LABEL_BYTES];
	enum seep_snapshot_reason reason; /* with the label: of whoever has taken that */
	enum wish wish;			  /* likewise, and these */
	struct waiting_thread waiting, exiting;
	uint32_t since_epoch;	     /* likewise */
	void (*work)(void *context); /* likewise, and with what */
	void *context;
	struct seep_scan found;		/* by the last scan or check */
	struct buffer findings;		/* of the last check; whoever has asked takes it */
	_Atomic(uint32_t) label_holder; /* the thread that has written it, and waits; 0: none */
	_Atomic(uint32_t) label_next;	/* one of those that wait for it; 0: none, or not known */
	_Atomic(uint32_t) is_exec_near;
	_Atomic(uint32_t) has_exit_status;
	_Atomic(int32_t) exit_status;
	_Atomic(uint32_t) refuses_last_scan;
};

static struct mailbox *mailbox;
static _Atomic(uint32_t) helper_tid;
static enum snapshots_by kind = SNAPSHOTS_BY_INLINE;

bool helper_is_inline(void)
{
	return kind == SNAPSHOTS_BY_INLINE;
}

bool helper_outlives_us(void)
{
	return kind == SNAPSHOTS_BY_PROCESS;
}

static void pause_ns(uint64_t ns)
{
	struct timespec pause = {.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};

	sys_call(SYS_nanosleep, &pause, 0);
}

/* ---- in the helper ------------------------------------------------------------------------- */

enum { WATCH_PROGRAM, WATCH_CALLERS, WATCH_WAKE, WATCH_COUNT };

static void take_the_name(void)
{
	char name[16];
	struct text text = TEXT_IN(name);

	text_add(&text, "seep:");
	text_add(&text, process_facts.name);
	sys_call(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
}

static bool has_looked_last; /* the scan at the end has been made, as well as it can be */

/* What is being served. Who has asked may have left meanwhile, and another one have put down what he
 * wants. */
static struct {
	uint32_t number;
	enum wish wish;
	enum seep_snapshot_reason reason;
	struct waiting_thread waiting;
	uint32_t since_epoch;
	void (*work)(void *context);
	void *context;
} served;

/* Whoever asked for it need not wait any longer. */
static void answer_request(void)
{
	atomic_store(&mailbox->done, served.number);
	sys_call(SYS_futex, &mailbox->done, FUTEX_WAKE, 1 << 30, 0, 0, 0);
}

static void answer_last_request(void)
{
	atomic_store(&mailbox->error, 0);
	answer_request();
}

/* The scan that was asked for. Returns whether the request has been answered by it. */
static bool serve_scan(uint32_t snapshot)
{
	bool is_last = served.wish == WISH_LAST_SCAN;
	struct scan_order order = {
		.moment = is_last ? SCAN_ENDING : SCAN_RUNNING,
		.reason = is_last ? SEEP_REASON_FINAL : served.reason,
		.snapshot = snapshot,
		.waiting = served.waiting,
		/* A thread is gone with the program: it is waited for. */
		.when_copied = is_last && kind == SNAPSHOTS_BY_PROCESS ? answer_last_request : NULL,
	};
	struct seep_scan found = {.struct_bytes = 0};
	int error = scan_take(&order, &found);

	/* Where another thread ended the program meanwhile its memory is still there. */
	has_looked_last |= is_last && found.outcome != SEEP_SCAN_TOO_LATE;
	if (order.when_copied != NULL)
		return true;
	mailbox->found = found;
	atomic_store(&mailbox->error, error);
	return false;
}

static void serve_names(void)
{
	/* Ours while it takes: whoever has asked may have left. */
	struct buffer text = mailbox->findings;

	mailbox->findings = (struct buffer){0};
	if (kind == SNAPSHOTS_BY_PROCESS)
		name_tool_ask(&text);
	mailbox->findings = text;
	atomic_store(&mailbox->error, 0);
	answer_request();
}

static void serve_check(void)
{
	struct scan_order order = {.moment = SCAN_RUNNING, .waiting = served.waiting};
	struct buffer sites = {0}, findings = {0};
	struct seep_scan found = {0};
	int error = scan_check(&order, served.since_epoch, &found, &sites);

	findings_write_lost(&findings, &found, &sites);
	buffer_release(&sites);
	if (kind == SNAPSHOTS_BY_PROCESS)
		name_tool_ask(&findings);
	/* Of one who has not waited for it. */
	buffer_release(&mailbox->findings);
	mailbox->findings = findings;
	mailbox->found = found;
	atomic_store(&mailbox->error, error);
	answer_request();
}

static void serve_request(void)
{
	struct snapshot_result result;
	char label[SEEP_CONTROL_LABEL_BYTES];
	struct text text = TEXT_IN(label);

	served.number = atomic_load(&mailbox->requested);
	if (served.number == atomic_load(&mailbox->done))
		return;
	INVARIANT((int32_t)(served.number - atomic_load(&mailbox->done)) > 0, served.number,
		  atomic_load(&mailbox->done));
	served.wish = mailbox->wish;
	served.reason = mailbox->reason;
	served.waiting = mailbox->waiting;
	served.since_epoch = mailbox->since_epoch;
	served.work = mailbox->work;
	served.context = mailbox->context;
	if (served.wish == WISH_CHECK) {
		serve_check();
		return;
	}
	if (served.wish == WISH_NAMES) {
		serve_names();
		return;
	}
	if (served.wish == WISH_WORK) {
		served.work(served.context);
		atomic_store(&mailbox->error, 0);
		answer_request();
		return;
	}
	text_add(&text, mailbox->label);
	atomic_store(
		&mailbox->error,
		snapshot_writer_take(served.reason, label[0] != 0 ? label : NULL, false, &result));
	schedule_taken(&result);
	if (served.wish == WISH_SNAPSHOT || atomic_load(&mailbox->error) != 0 ||
	    !serve_scan(result.number))
		answer_request();
}

/* A program that ends, or becomes another one, is not to wait for a scan that nobody has asked for. */
static bool is_left_alone(void)
{
	bool is_ending = mailbox->wish == WISH_LAST_SCAN &&
			 atomic_load(&mailbox->requested) != atomic_load(&mailbox->done);

	return !is_ending && atomic_load(&mailbox->is_exec_near) == 0 &&
	       (kind != SNAPSHOTS_BY_PROCESS || !process_has_ended());
}

static void scan_if_due(void)
{
	struct scan_order order = {
		.moment = SCAN_RUNNING, .reason = SEEP_REASON_INTERVAL, .is_wanted = is_left_alone};
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

static void snapshot_if_due(void)
{
	enum seep_snapshot_reason reason;
	struct snapshot_result result;

	if (!schedule_is_due(&reason))
		return;
	snapshot_writer_take(reason, NULL, false, &result);
	schedule_taken(&result);
	/* The process may have gone when it is scanned. */
	if (options.scans_at_exit && kind == SNAPSHOTS_BY_PROCESS)
		scan_note_kernel();
}

static void write_last_words(enum seep_snapshot_reason reason, int pidfd)
{
	struct process_end end;

	struct snapshot_result last;

	snapshot_writer_take(reason, NULL, true, &last);
	if (reason == SEEP_REASON_EXEC) {
		/* A fork that lived only to exec has nothing to tell. */
		if (process_facts.forked_from != 0 && snapshot_writer_last().number <= 1)
			snapshot_file_remove();
		else
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
			pause_ns(pause);
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

static void watch_program(void)
{
	uint64_t wake_set = 1ull << (WAKE_SIGNAL - 1);
	struct pollfd watched[WATCH_COUNT] = {
		[WATCH_PROGRAM] = {.events = POLLIN},
		[WATCH_CALLERS] = {.events = POLLIN},
		[WATCH_WAKE] = {.events = POLLIN},
	};
	char drained[512];
	int pidfd;

	/* Tells of a thread that was to be stopped for a scan, and has stopped too late. A thread's would be
	 * the program's own. */
	if (kind == SNAPSHOTS_BY_PROCESS)
		wake_set |= 1ull << (SIGCHLD - 1);
	watched[WATCH_WAKE].fd = (int)sys_call(SYS_signalfd4, -1, &wake_set, sizeof(wake_set),
					       O_CLOEXEC | O_NONBLOCK);
	watched[WATCH_CALLERS].fd = -1;
	pidfd = kind == SNAPSHOTS_BY_PROCESS ? open_pidfd() : -1;
	watched[WATCH_PROGRAM].fd = pidfd < 0 ? -1 : pidfd;
	for (;;) {
		uint64_t pause = schedule_pause_ns();
		struct timespec timeout = {.tv_sec = (time_t)(pause / 1000000000u),
					   .tv_nsec = (long)(pause % 1000000000u)};

		if (kind == SNAPSHOTS_BY_PROCESS) {
			if (has_ended(pidfd, watched[WATCH_PROGRAM].revents)) {
				sys_call(SYS_close, watched[WATCH_CALLERS].fd);
				/* An exec that was announced and did not fail took place; what
				 * has ended since is the program after it. */
				write_last_words(atomic_load(&mailbox->is_exec_near)
							 ? SEEP_REASON_EXEC
							 : SEEP_REASON_FINAL,
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
		/* Without a pidfd this also is how soon an end is noticed. */
		sys_call(SYS_ppoll, watched, WATCH_COUNT, &timeout, 0, 0);
		if (watched[WATCH_WAKE].revents != 0)
			sys_call(SYS_read, watched[WATCH_WAKE].fd, drained, sizeof(drained));
		call_tree_prepare();
		serve_request();
		if (watched[WATCH_CALLERS].revents != 0)
			control_server_serve(watched[WATCH_CALLERS].fd);
		snapshot_if_due();
		scan_if_due();
		if (kind == SNAPSHOTS_BY_PROCESS)
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
	INVARIANT(held >= 0, held, kind);
	/* Pipes must end when the program closes them. */
	sys_close_all_but(held);
	if (kind == SNAPSHOTS_BY_PROCESS) {
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
	long tid =
		raw_task_start(PROCESS_FLAGS, new_stack + STACK_BYTES - MIDWIFE_BYTES, helper_main);

	atomic_store(&helper_tid, tid > 0 ? (uint32_t)tid : 0);
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
		atomic_store(&helper_tid, tid > 0 ? (uint32_t)tid : 0);
		return tid > 0;
	}
	midwife = raw_task_start(PROCESS_FLAGS | CLONE_VFORK, new_stack + STACK_BYTES, be_midwife);
	if (midwife < 0)
		return false;
	while (sys_call(SYS_wait4, midwife, &status, __WALL, 0) == -EINTR)
		;
	return atomic_load(&helper_tid) != 0;
}

static bool make_thread(void)
{
	long tid = raw_task_start(THREAD_FLAGS, new_stack + STACK_BYTES, helper_main);

	atomic_store(&helper_tid, tid > 0 ? (uint32_t)tid : 0);
	return tid > 0;
}

/* Where the kernel asks whom a process may be traced by (Yama), it is told. */
static void allow_helper(void)
{
	if (kind == SNAPSHOTS_BY_PROCESS)
		sys_call(SYS_prctl, PR_SET_PTRACER, atomic_load(&helper_tid), 0, 0, 0);
}

void helper_start(void)
{
	uint64_t all = ~0ull, before;
	bool is_made;

	kind = SNAPSHOTS_BY_INLINE;
	if (mailbox == NULL)
		mailbox = region_map(4096, REGION_WIPED_ON_FORK);
	new_stack = region_map(STACK_BYTES, REGION_KEPT_ON_FORK);
	/* The first process made after unshare(CLONE_NEWPID) becomes the init of the new namespace:
	 * that must be the program's. */
	if (options.snapshots_by == SNAPSHOTS_BY_INLINE || mailbox == NULL || new_stack == NULL ||
	    process_children_are_elsewhere()) {
		snapshot_file_close();
		return;
	}
	kind = options.snapshots_by;
	snapshot_file_hand_over();
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	is_made = kind == SNAPSHOTS_BY_PROCESS ? make_process() : make_thread();
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof(before));
	if (!is_made) {
		kind = SNAPSHOTS_BY_INLINE;
		region_unmap(new_stack, STACK_BYTES);
		snapshot_file_close();
		return;
	}
	if (options.scans_at_exit)
		allow_helper();
	snapshot_file_leave();
}

/* False when there is no helper. One that we may not signal, because the program has changed its
 * user, looks into the mailbox at its next tick. */
static bool wake(void)
{
	uint32_t tid = atomic_load(&helper_tid);

	return tid != 0 &&
	       sys_call(SYS_tgkill, kind == SNAPSHOTS_BY_PROCESS ? tid : process_facts.pid, tid,
			WAKE_SIGNAL) != -ESRCH &&
	       !(kind == SNAPSHOTS_BY_PROCESS && process_is_zombie(tid));
}

/* Until the helper has served the request with this number: 0 or a negative errno value. A signal of the program
 * ends a wait, and a profiler sends a thousand in a second; so it is time that counts. */
static int await(uint32_t number)
{
	const struct timespec patience = {.tv_sec = 1};
	uint64_t now = sys_clock_ns(CLOCK_MONOTONIC);
	uint64_t until = now + REQUEST_PATIENCE_NS, next_wake = now;
	uint32_t done;

	for (; (done = atomic_load(&mailbox->done)) != number;
	     now = sys_clock_ns(CLOCK_MONOTONIC)) {
		if (now >= until)
			return -ETIMEDOUT;
		if (now >= next_wake && !wake())
			return atomic_load(&mailbox->done) == number ? 0 : -ESRCH;
		if (now >= next_wake)
			next_wake = now + (uint64_t)patience.tv_sec * 1000000000u;
		sys_call(SYS_futex, &mailbox->done, FUTEX_WAIT, done, &patience, 0, 0);
	}
	return 0;
}

/* A thread that has the label waits for at most REQUEST_PATIENCE_NS. It may never give it back: it was
 * cancelled, or its signal handler has jumped out. */
static bool is_left(uint32_t holder, uint32_t own, uint32_t waited_ms)
{
	return holder == own || sys_call(SYS_tgkill, sys_pid(), holder, 0) == -ESRCH ||
	       waited_ms > REQUEST_PATIENCE_NS / 1000000 + 1000;
}

/* One that asks again and again, such as a thread with one test after another, lets others have their turn; an exit
 * would wait for seconds. */
static void hold_label(void)
{
	uint32_t own = sys_tid(), holder = 0, last_number = 0, waited_ms = 0;

	if (atomic_load(&mailbox->label_next) != 0)
		pause_ns(GIVE_WAY_NS);
	while (!atomic_compare_exchange_strong(&mailbox->label_holder, &holder, own)) {
		uint32_t number = atomic_load(&mailbox->requested);

		waited_ms = number == last_number ? waited_ms + 1 : 0;
		last_number = number;
		if (is_left(holder, own, waited_ms) &&
		    atomic_compare_exchange_strong(&mailbox->label_holder, &holder, own))
			break;
		atomic_store(&mailbox->label_next, own);
		pause_ns(LABEL_PAUSE_NS);
		holder = 0;
	}
	/* Others say so again, in their next pause. */
	atomic_store(&mailbox->label_next, 0);
}

/* Unless somebody thought that we had left it. */
static void give_label(void)
{
	uint32_t own = sys_tid();

	atomic_compare_exchange_strong(&mailbox->label_holder, &own, 0);
}

/* The mailbox is the holder's now, and what it points to. One who has left, or has lost patience, may have a request
 * in there that is still being served. Returns 0, or a negative errno value; then it is nobody's. */
static int take_label(void)
{
	int error;

	hold_label();
	error = await(atomic_load(&mailbox->requested));
	if (error != 0)
		give_label();
	return error;
}

/* The registers of the calling thread that a call leaves alone, as they are in its caller: what is in
 * others is not used after the call, or lies on the stack. */
static inline __attribute__((always_inline)) struct waiting_thread here(void)
{
	struct waiting_thread waiting = {.tid = sys_tid()};

#if defined(__x86_64__)
	__asm__ volatile("mov %%rbx, 0(%1)\n\t"
			 "mov %%rbp, 8(%1)\n\t"
			 "mov %%r12, 16(%1)\n\t"
			 "mov %%r13, 24(%1)\n\t"
			 "mov %%r14, 32(%1)\n\t"
			 "mov %%r15, 40(%1)\n\t"
			 "mov %%rsp, %0"
			 : "=&r"(waiting.sp)
			 : "r"(waiting.words)
			 : "memory");
	sys_call(SYS_arch_prctl, ARCH_GET_FS, &waiting.fs_base);
#endif
	return waiting;
}

/* With the label taken. */
static int request_locked(enum wish wish, enum seep_snapshot_reason reason, const char *label)
{
	struct text text = TEXT_IN(mailbox->label);
	int error;

	text_add(&text, label == NULL ? "" : label);
	mailbox->reason = reason;
	mailbox->wish = wish;
	mailbox->waiting = here();
	if (wish == WISH_LAST_SCAN && mailbox->exiting.has_called_exit)
		mailbox->waiting = mailbox->exiting;
	error = await(atomic_fetch_add(&mailbox->requested, 1) + 1);
	return error != 0 ? error : atomic_load(&mailbox->error);
}

int helper_request(enum seep_snapshot_reason reason, const char *label)
{
	int error = take_label();

	if (error != 0)
		return error;
	error = request_locked(WISH_SNAPSHOT, reason, label);
	give_label();
	return error;
}

int helper_request_scan(enum seep_snapshot_reason reason, const char *label,
			struct seep_scan *found)
{
	int error = take_label();

	if (error != 0)
		return error;
	allow_helper();
	error = request_locked(WISH_SCAN, reason, label);
	if (found != NULL)
		*found = mailbox->found;
	give_label();
	return error;
}

int helper_request_check(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings)
{
	int error = take_label();

	if (error != 0)
		return error;
	allow_helper();
	mailbox->since_epoch = since_epoch;
	error = request_locked(WISH_CHECK, SEEP_REASON_REQUEST, NULL);
	if (error == 0) {
		*found = mailbox->found;
		*findings = mailbox->findings;
		mailbox->findings = (struct buffer){0};
	}
	give_label();
	return error;
}

int helper_request_work(void (*work)(void *context), void *context)
{
	int error = take_label();

	if (error != 0)
		return error;
	mailbox->work = work;
	mailbox->context = context;
	error = request_locked(WISH_WORK, SEEP_REASON_REQUEST, NULL);
	give_label();
	return error;
}

void helper_request_names(struct buffer *text)
{
	struct buffer copy = {0};

	/* Where there is no helper, or only a thread, nobody can be asked. */
	if (kind != SNAPSHOTS_BY_PROCESS || text->bytes == 0)
		return;
	buffer_add(&copy, text->start, text->bytes);
	if (take_label() != 0) {
		buffer_release(&copy);
		return;
	}
	buffer_release(&mailbox->findings);
	mailbox->findings = copy;
	if (request_locked(WISH_NAMES, SEEP_REASON_REQUEST, NULL) == 0) {
		buffer_release(text);
		*text = mailbox->findings;
		mailbox->findings = (struct buffer){0};
	}
	give_label();
}

int helper_request_last_scan(const struct waiting_thread *exiting)
{
	int error = take_label();

	if (error != 0)
		return error;
	allow_helper();
	mailbox->exiting = *exiting;
	error = request_locked(WISH_LAST_SCAN, SEEP_REASON_REQUEST, NULL);
	give_label();
	return error;
}

void helper_refuse_last_scan(void)
{
	if (mailbox != NULL)
		atomic_store(&mailbox->refuses_last_scan, 1);
}

int helper_scan_inline(enum seep_snapshot_reason reason, const char *label, bool is_last,
		       struct seep_scan *found)
{
	struct scan_order order = {
		.moment = is_last ? SCAN_ENDING : SCAN_RUNNING,
		.reason = is_last ? SEEP_REASON_FINAL : reason,
		.waiting = here(),
	};
	char name[SEEP_CONTROL_LABEL_BYTES];
	struct text text = TEXT_IN(name);
	struct snapshot_result snapshot;
	int error;

	text_add(&text, label == NULL ? "" : label);
	error = snapshot_writer_take(reason, name[0] != 0 ? name : NULL, false, &snapshot);
	schedule_taken(&snapshot);
	if (error != 0)
		return error;
	order.snapshot = snapshot.number;
	return scan_take(&order, found);
}

int helper_check_inline(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings)
{
	struct scan_order order = {.moment = SCAN_RUNNING, .waiting = here()};
	struct buffer sites = {0};
	uint64_t until = sys_clock_ns(CLOCK_MONOTONIC) + REQUEST_PATIENCE_NS;
	int error;

	/* Another thread looks: one at a time, as where there is a helper. */
	while ((error = scan_check(&order, since_epoch, found, &sites)) == -EBUSY &&
	       sys_clock_ns(CLOCK_MONOTONIC) < until)
		pause_ns(LABEL_PAUSE_NS);
	if (error == 0)
		findings_write_lost(findings, found, &sites);
	buffer_release(&sites);
	return error;
}

void helper_note_exec(void)
{
	if (mailbox == NULL || kind != SNAPSHOTS_BY_PROCESS)
		return;
	atomic_store(&mailbox->is_exec_near, 1);
	wake();
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
	has_looked_last = false;
	kind = SNAPSHOTS_BY_INLINE;
	atomic_store(&helper_tid, 0);
	invariant_note_helper(0);
}
