/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopped_threads: the program's threads, standing still, and what is in their registers.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no signal: a thread in a system call leaves it, stands, and
 * is put back into it by the kernel when it goes on. A few calls the kernel does not restart by itself
 * (signal(7): epoll_wait, semop, sigtimedwait, io_getevents, sockets with a time limit): they would
 * return EINTR although no signal came. Of such a thread is said what the kernel itself says of
 * others: ERESTARTNOHAND. Only the kernel can tell, at the moment when the thread goes on, whether a
 * signal has come meanwhile for which EINTR is due.
 *
 * A thread in an uninterruptible wait is not seized at all: it would stop only later, and be found by
 * nobody. The parent of a vfork is such a one.
 *
 * A helper that does not let them go in time is ended by a timer, and the kernel lets them go. The copy
 * of a process can take for ever: where a userfaultfd asks to be told of forks, its reader stands, too.
 *
 *   Runs in   the helper process
 *   Locks     none
 *   Memory    region: 3 KiB for each thread, during a scan
 *   Calls     ptrace, wait4, rt_sigtimedwait, timer_create; reads of /proc/PID/task
 *   Failure   threads are unread, and counted
 */
#include "lib/scan/stopped_threads.h"

#include <errno.h>
#include <linux/elf.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "lib/base/number_folder.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

#define MORE_THREADS 64u /* room for those that come while the others are stopped */
#define ROUNDS_MAX 30u	 /* of looking for new ones; as LeakSanitizer's */
#define WAIT_NS 5000000u
#define NAPS_MAX 10u /* before those are asked again that could not be */
#define NAP_NS 300000u
#define XMM_OFFSET 160u /* in the area that FXSAVE lays out */
#define EVENT_STOP 128	/* PTRACE_EVENT_STOP */
#define ERESTARTNOHAND                                                                             \
	514 /* of the kernel, include/linux/errno.h: EINTR if there is a handler to call */

/* ---- who there is ------------------------------------------------------------------------------ */

static void path_of(char *path, size_t bytes, uint32_t pid, uint32_t tid, const char *file)
{
	struct text text = {.start = path, .capacity = bytes};

	path[0] = 0;
	text_add(&text, "/proc/");
	text_add_number(&text, pid);
	text_add(&text, "/task/");
	if (tid != 0)
		text_add_number(&text, tid);
	text_add(&text, file);
}

static long read_file_of(uint32_t pid, uint32_t tid, const char *file, char *data, size_t bytes)
{
	char path[64];
	long got;

	path_of(path, sizeof(path), pid, tid, file);
	got = sys_read_file(path, data, bytes - 1);
	data[got > 0 ? got : 0] = 0;
	return got;
}

/* The letter of /proc/PID/task/TID/stat: field 3, behind the last bracket. */
static char state_of(uint32_t pid, uint32_t tid)
{
	char line[512];
	char state = 0;

	if (read_file_of(pid, tid, "/stat", line, sizeof(line)) <= 0)
		return 0;
	for (const char *next = line; next[0] != 0; next++)
		if (next[0] == ')' && next[1] == ' ')
			state = next[2];
	return state;
}

static struct stopped_thread *find(struct stopped_threads *threads, uint32_t tid)
{
	for (uint32_t i = 0; i < threads->count; i++) {
		uint32_t index = (threads->next_looked_at + i) % threads->count;

		if (threads->tids[index] != tid)
			continue;
		threads->next_looked_at = index + 1;
		return &threads->threads[index];
	}
	return NULL;
}

/* Calls `visit` for each thread of the process. False without /proc. */
static bool visit_tasks(uint32_t pid, void (*visit)(uint32_t tid, void *context), void *context)
{
	char path[64];

	path_of(path, sizeof(path), pid, 0, "");
	return number_folder_visit(path, visit, context);
}

static void count_task(uint32_t tid, void *context)
{
	uint32_t *count = context;

	(void)tid;
	++*count;
}

static void note_task(uint32_t tid, void *context)
{
	struct stopped_threads *threads = context;
	struct stopped_thread *thread;
	long got;

	/* A helper may be a thread of the process: it has nothing of the program's. */
	if (tid == threads->helper_tid || find(threads, tid) != NULL)
		return;
	if (threads->count == threads->room) {
		threads->left_out++;
		return;
	}
	threads->tids[threads->count] = tid;
	thread = &threads->threads[threads->count++];
	thread->tid = tid;
	thread->state = state_of(threads->pid, tid);
	got = read_file_of(threads->pid, tid, "/comm", thread->name, sizeof(thread->name));
	if (got > 0 && thread->name[got - 1] == '\n')
		thread->name[got - 1] = 0;
}

static size_t bytes_of(const struct stopped_threads *threads)
{
	return threads->room * (sizeof(*threads->threads) + sizeof(*threads->tids));
}

bool stopped_threads_list(struct stopped_threads *threads, uint32_t pid, uint32_t helper_tid)
{
	uint32_t count = 0;

	*threads = (struct stopped_threads){.pid = pid, .helper_tid = helper_tid};
	if (!visit_tasks(pid, count_task, &count))
		return false;
	threads->room = count + count / 4 + MORE_THREADS;
	threads->threads = region_map(bytes_of(threads), REGION_KEPT_ON_FORK);
	if (threads->threads == NULL)
		return false;
	threads->tids = (uint32_t *)(threads->threads + threads->room);
	visit_tasks(pid, note_task, threads);
	threads->unread = threads->count + threads->left_out;
	return true;
}

void stopped_threads_forget(struct stopped_threads *threads)
{
	if (threads->threads != NULL)
		region_unmap(threads->threads, bytes_of(threads));
	*threads = (struct stopped_threads){0};
}

/* ---- whatever happens ---------------------------------------------------------------------------- */

uint64_t stopped_threads_most_ns = 60000000000u;

static bool set_timer(int timer, uint64_t ns)
{
	struct itimerspec once = {.it_value = {.tv_sec = (time_t)(ns / 1000000000u),
					       .tv_nsec = (long)(ns % 1000000000u)}};

	return sys_call(SYS_timer_settime, timer, 0, &once, 0) == 0;
}

/* The kernel lets all go whose tracer has ended. */
static void start_watchdog(struct stopped_threads *threads)
{
	struct sigevent end = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};

	threads->has_watchdog =
		sys_call(SYS_timer_create, CLOCK_MONOTONIC, &end, &threads->watchdog) == 0 &&
		set_timer(threads->watchdog, stopped_threads_most_ns);
}

static void end_watchdog(struct stopped_threads *threads)
{
	if (threads->has_watchdog)
		sys_call(SYS_timer_delete, threads->watchdog);
	threads->has_watchdog = false;
}

/* ---- stopping ---------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static void keep_registers(struct stopped_thread *thread, const struct user_regs_struct *regs)
{
	const uint64_t general[STOPPED_GENERAL_WORDS] = {
		regs->rax, regs->rdx, regs->rcx, regs->rbx, regs->rsi, regs->rdi,
		regs->rbp, regs->rsp, regs->r8,	 regs->r9,  regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15, regs->rip};

	memcpy(thread->words, general, sizeof(general));
	thread->word_count = STOPPED_GENERAL_WORDS;
	thread->sp = regs->rsp;
	thread->pc = regs->rip;
	thread->fs_base = regs->fs_base;
	/* Without a system call, or behind a signal's handler, orig_rax is negative. */
	thread->may_see_eintr = (int64_t)regs->orig_rax >= 0 && (int64_t)regs->rax == -EINTR;
}

/* A compiler may move two pointers at a time through a vector register. */
static void keep_vectors(struct stopped_thread *thread)
{
	_Alignas(64) unsigned char area[STOPPED_VECTOR_BYTES];
	struct iovec vector = {.iov_base = area, .iov_len = sizeof(area)};
	uint64_t *words = &thread->words[STOPPED_GENERAL_WORDS];

	if (sys_call(SYS_ptrace, PTRACE_GETREGSET, thread->tid, NT_X86_XSTATE, &vector) != 0 ||
	    vector.iov_len < XMM_OFFSET + STOPPED_XMM_WORDS * 8) {
		vector.iov_len = sizeof(area);
		if (sys_call(SYS_ptrace, PTRACE_GETREGSET, thread->tid, NT_PRFPREG, &vector) != 0)
			return;
	}
	memcpy(words, area + XMM_OFFSET, STOPPED_XMM_WORDS * 8);
	thread->word_count += STOPPED_XMM_WORDS;
	if (vector.iov_len > STOPPED_REST_OFFSET) {
		size_t rest = (vector.iov_len - STOPPED_REST_OFFSET) / 8;

		memcpy(words + STOPPED_XMM_WORDS, area + STOPPED_REST_OFFSET, rest * 8);
		thread->word_count += (uint32_t)rest;
	}
}

static bool read_registers(struct stopped_thread *thread)
{
	struct user_regs_struct regs;

	if (sys_call(SYS_ptrace, PTRACE_GETREGS, thread->tid, 0, &regs) != 0)
		return false;
	keep_registers(thread, &regs);
	keep_vectors(thread);
	/* Where it keeps what is its own, if it does so by itself. */
	thread->words[thread->word_count++] = regs.fs_base;
	thread->words[thread->word_count++] = regs.gs_base;
	return true;
}

/* The kernel begins the call anew, or calls a handler and lets it end: whichever is due when it goes on. */
static void set_back(uint32_t tid)
{
	struct user_regs_struct regs;

	if (sys_call(SYS_ptrace, PTRACE_GETREGS, tid, 0, &regs) != 0)
		return;
	if ((int64_t)regs.orig_rax < 0 || (int64_t)regs.rax != -EINTR)
		return;
	regs.rax = (uint64_t)-ERESTARTNOHAND;
	sys_call(SYS_ptrace, PTRACE_SETREGS, tid, 0, &regs);
}
#else
static bool read_registers(struct stopped_thread *thread)
{
	(void)thread;
	return false;
}

static void set_back(uint32_t tid)
{
	(void)tid;
}
#endif

/* What wait says of a thread that has stopped: the signal that it was about to get, or 0. */
static int signal_of(int status)
{
	return status >> 16 == EVENT_STOP ? 0 : WSTOPSIG(status);
}

static bool let_go(uint32_t tid, int signal, bool may_see_eintr)
{
	/* Also with a signal: a thread that is traced is told of those that nobody wants, too. */
	if (may_see_eintr)
		set_back(tid);
	return sys_call(SYS_ptrace, PTRACE_DETACH, tid, 0, signal) == 0;
}

static void note_status(struct stopped_threads *threads, uint32_t tid, int status)
{
	struct stopped_thread *thread = find(threads, tid);

	if (thread == NULL) {
		/* Of a former scan, and late. */
		if (WIFSTOPPED(status))
			let_go(tid, signal_of(status), true);
		return;
	}
	threads->seized -= thread->stop == THREAD_SEIZED;
	if (!WIFSTOPPED(status)) {
		thread->stop = THREAD_GONE;
		return;
	}
	thread->signal = signal_of(status);
	thread->stop = THREAD_STOPPED;
	if (!read_registers(thread))
		thread->word_count = 0;
}

/* A stop is announced by SIGCHLD, which a helper has blocked. */
static void wait_for_news(void)
{
	struct timespec most = {.tv_nsec = WAIT_NS};
	uint64_t set = 1ull << (SIGCHLD - 1);

	sys_call(SYS_rt_sigtimedwait, &set, 0, &most, sizeof(set));
}

/* Until all that were asked have stopped. */
static void await_stops(struct stopped_threads *threads, uint64_t deadline_ns)
{
	while (threads->seized > 0) {
		int status = 0;
		long tid = sys_call(SYS_wait4, -1, &status, __WALL | WNOHANG, 0);

		if (tid > 0) {
			note_status(threads, (uint32_t)tid, status);
			continue;
		}
		if (tid < 0 || sys_clock_ns(CLOCK_MONOTONIC) >= deadline_ns)
			return;
		wait_for_news();
	}
}

/* Asks all that have not been asked. Returns how many it asked, or why none could be. */
static int ask_all(struct stopped_threads *threads)
{
	int asked = 0, error = 0;

	for (uint32_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->threads[i];
		char state = thread->state;
		long result;

		if (thread->stop != THREAD_UNREAD)
			continue;

		/* Where that was but a page that came from disk, it is over by now. */
		if (state == 'D')
			state = state_of(threads->pid, thread->tid);
		if (state == 0 || state == 'Z' || state == 'X') {
			thread->stop = THREAD_GONE;
			continue;
		}
		if (state == 'D')
			continue;
		result = sys_call(SYS_ptrace, PTRACE_SEIZE, thread->tid, 0, 0);
		if (result == -ESRCH)
			thread->stop = THREAD_GONE;
		else if (result != 0) {
			error = (int)result;
			thread->stop = THREAD_REFUSED;
		}
		if (result != 0)
			continue;
		if (!threads->has_watchdog)
			start_watchdog(threads);
		thread->stop = THREAD_SEIZED;
		threads->seized++;
		sys_call(SYS_ptrace, PTRACE_INTERRUPT, thread->tid, 0, 0);
		asked++;
	}
	return asked > 0 ? asked : error;
}

static bool has_waiting(const struct stopped_threads *threads)
{
	for (uint32_t i = 0; i < threads->count; i++)
		if (threads->threads[i].stop == THREAD_UNREAD)
			return true;
	return false;
}

int stopped_threads_stop(struct stopped_threads *threads, uint64_t patience_ns)
{
	struct timespec nap = {.tv_nsec = NAP_NS};
	uint32_t known = 0, naps = 0;
	bool has_stopped = false;
	int asked = 0;

	threads->stopped_ns = sys_clock_ns(CLOCK_MONOTONIC);
	for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
		asked = ask_all(threads);
		if (asked < 0)
			break;
		await_stops(threads, threads->stopped_ns + patience_ns);
		/* As long as one ran, it may have made others. */
		known = threads->count;
		threads->left_out = 0;
		visit_tasks(threads->pid, note_task, threads);
		if (threads->count > known)
			continue;
		/* Who waits for a page or a disk does so for a moment; the parent of a vfork for long. */
		if (naps++ == NAPS_MAX || !has_waiting(threads))
			break;
		sys_call(SYS_nanosleep, &nap, 0);
	}
	threads->unread = threads->left_out;
	for (uint32_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->threads[i];

		threads->unread += thread->stop != THREAD_GONE && thread->word_count == 0;
		has_stopped |= thread->stop == THREAD_STOPPED;
	}
	return has_stopped ? 0 : asked;
}

/* ---- letting go -------------------------------------------------------------------------------- */

/* Who was killed while it stood is a zombie that its parent hears of only when we have. The first
 * thread comes last: it is not reported before the others. */
static void reap(struct stopped_threads *threads)
{
	for (uint32_t i = threads->count; i-- > 0;) {
		struct stopped_thread *thread = &threads->threads[i];
		int status;

		if (thread->stop != THREAD_STOPPED)
			continue;
		threads->killed++;
		if (sys_call(SYS_wait4, thread->tid, &status, __WALL, 0) > 0 && WIFSTOPPED(status))
			sys_call(SYS_ptrace, PTRACE_DETACH, thread->tid, 0, signal_of(status));
		thread->stop = THREAD_GONE;
	}
}

uint64_t stopped_threads_release(struct stopped_threads *threads)
{
	for (uint32_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->threads[i];

		if (thread->stop == THREAD_STOPPED &&
		    let_go(thread->tid, thread->signal, thread->may_see_eintr))
			thread->stop = THREAD_SEIZED; /* once, and not any more */
	}
	reap(threads);
	end_watchdog(threads);
	return threads->stopped_ns == 0 ? 0 : sys_clock_ns(CLOCK_MONOTONIC) - threads->stopped_ns;
}

bool stopped_threads_were_ended(const struct stopped_threads *threads)
{
	uint32_t gone = 0;

	for (uint32_t i = 0; i < threads->count; i++)
		gone += threads->threads[i].stop == THREAD_GONE;
	return threads->killed > 0 || (gone > 0 && gone == threads->count);
}

void stopped_threads_release_late(void)
{
	int status = 0;
	long tid;

	/* Without __WALL a child is heard of only when it is traced: not a copy, whose end others wait for. */
	while ((tid = sys_call(SYS_wait4, -1, &status, WNOHANG, 0)) > 0)
		if (WIFSTOPPED(status))
			let_go((uint32_t)tid, signal_of(status), true);
}
