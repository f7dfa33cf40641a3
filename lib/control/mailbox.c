/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: the page on which the program and its helper speak to each other.
 *
 * One request at a time, and each has a number: who has lost patience, or was cancelled, may have left
 * one that is still being served, and the answer to it must not be taken for another's.
 *
 *   Runs in   the target (requests); the helper (answers)
 *   Locks     the label, which a thread that has it may leave for ever: it is taken from it then
 *   Memory    one page shared with the helper and wiped on fork
 *   Calls     futex, tgkill, nanosleep
 *   Failure   a negative errno value: there is no helper, or it has not answered in time
 */
#include "lib/control/mailbox.h"

#include <errno.h>
#include <linux/futex.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define MAILBOX_BYTES 4096u
#define LABEL_PAUSE_NS 1000000u
#define GIVE_WAY_NS (3 * LABEL_PAUSE_NS)

_Static_assert(sizeof(struct mailbox) <= MAILBOX_BYTES, "one page");

struct mailbox *mailbox;
struct mailbox_reader mailbox_reader = {.kind = SNAPSHOTS_BY_INLINE};

bool mailbox_open(void)
{
	if (mailbox == NULL)
		mailbox = region_map(MAILBOX_BYTES, REGION_WIPED_ON_FORK);
	return mailbox != NULL;
}

/* ---- in the program ------------------------------------------------------------------------ */

/* One that we may not signal, because the program has changed its user, looks into the mailbox at its next
 * tick. False when there is none. */
static bool signal_reader(void)
{
	bool is_process = mailbox_reader.kind == SNAPSHOTS_BY_PROCESS;
	uint32_t tid = atomic_load(&mailbox_reader.tid);

	return tid != 0 && sys_call(SYS_tgkill, is_process ? tid : process_facts.pid, tid,
				    MAILBOX_WAKE_SIGNAL) != -ESRCH;
}

void mailbox_signal_reader(void)
{
	signal_reader();
}

/* The same for who waits for an answer: one that was killed gives none, but can be signalled until somebody has
 * waited for it. */
static bool is_reader_woken(void)
{
	return signal_reader() && !(mailbox_reader.kind == SNAPSHOTS_BY_PROCESS &&
				    process_is_zombie(atomic_load(&mailbox_reader.tid)));
}

/* Until the helper has served the request with this number: 0 or a negative errno value. A signal of the
 * program ends a wait, and a profiler sends a thousand in a second; so it is time that counts. */
static int await(uint32_t number)
{
	const struct timespec patience = {.tv_sec = 1};
	uint64_t now = sys_clock_ns(CLOCK_MONOTONIC);
	uint64_t until = now + MAILBOX_PATIENCE_NS, next_wake = now;
	uint32_t done;

	for (; (done = atomic_load(&mailbox->done)) != number;
	     now = sys_clock_ns(CLOCK_MONOTONIC)) {
		if (now >= until)
			return -ETIMEDOUT;
		if (now >= next_wake && !is_reader_woken())
			return atomic_load(&mailbox->done) == number ? 0 : -ESRCH;
		if (now >= next_wake)
			next_wake = now + (uint64_t)patience.tv_sec * 1000000000u;
		sys_call(SYS_futex, &mailbox->done, FUTEX_WAIT, done, &patience, 0, 0);
	}
	return 0;
}

int mailbox_ask(void)
{
	int error = await(atomic_fetch_add(&mailbox->requested, 1) + 1);

	return error != 0 ? error : atomic_load(&mailbox->error);
}

/* A thread that has the label waits for at most MAILBOX_PATIENCE_NS. It may never give it back: it was
 * cancelled, or its signal handler has jumped out. */
static bool is_left(uint32_t holder, uint32_t own, uint32_t waited_ms)
{
	return holder == own || sys_call(SYS_tgkill, sys_pid(), holder, 0) == -ESRCH ||
	       waited_ms > MAILBOX_PATIENCE_NS / 1000000 + 1000;
}

/* One that asks again and again, such as a thread with one test after another, lets others have their
 * turn; an exit would wait for seconds. */
static void hold_label(void)
{
	uint32_t own = sys_tid(), holder = 0, last_number = 0, waited_ms = 0;

	if (atomic_load(&mailbox->label_next) != 0)
		sys_sleep_ns(GIVE_WAY_NS);
	while (!atomic_compare_exchange_strong(&mailbox->label_holder, &holder, own)) {
		uint32_t number = atomic_load(&mailbox->requested);

		waited_ms = number == last_number ? waited_ms + 1 : 0;
		last_number = number;
		if (is_left(holder, own, waited_ms) &&
		    atomic_compare_exchange_strong(&mailbox->label_holder, &holder, own))
			break;
		atomic_store(&mailbox->label_next, own);
		sys_sleep_ns(LABEL_PAUSE_NS);
		holder = 0;
	}
	/* Others say so again, in their next pause. */
	atomic_store(&mailbox->label_next, 0);
}

/* Unless somebody thought that we had left it. */
void mailbox_give_label(void)
{
	uint32_t own = sys_tid();

	atomic_compare_exchange_strong(&mailbox->label_holder, &own, 0);
}

/* What the mailbox points to is the holder's, too. One who has left, or has lost patience, may have a
 * request in there that is still being served. */
int mailbox_take_label(void)
{
	int error;

	hold_label();
	error = await(atomic_load(&mailbox->requested));
	if (error != 0)
		mailbox_give_label();
	return error;
}

void mailbox_postfork_child(void)
{
	mailbox_reader.kind = SNAPSHOTS_BY_INLINE;
	atomic_store(&mailbox_reader.tid, 0);
}

/* ---- in the helper ------------------------------------------------------------------------- */

bool mailbox_has_request(void)
{
	return atomic_load(&mailbox->requested) != atomic_load(&mailbox->done);
}

void mailbox_answer(uint32_t number, int error)
{
	atomic_store(&mailbox->error, error);
	atomic_store(&mailbox->done, number);
	sys_call(SYS_futex, &mailbox->done, FUTEX_WAKE, 1 << 30, 0, 0, 0);
}
