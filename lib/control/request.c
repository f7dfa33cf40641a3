/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: what the program may ask of its helper, and waits for.
 *
 *   Runs in   the target, in any thread
 *   Locks     the label of the mailbox
 *   Memory    findings, which belong to whoever has asked
 *   Calls     arch_prctl, see mailbox; inline also what snapshot_writer and scan call
 *   Failure   a negative errno value
 */
#include "lib/control/request.h"

#include <asm/prctl.h>
#include <errno.h>
#include <stddef.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/findings.h"
#include "lib/control/helper.h"
#include "lib/control/mailbox.h"
#include "lib/control/schedule.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define BUSY_PAUSE_NS 1000000u

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

/* For a thread that has the label, in a function that stays until it is served. */
static inline __attribute__((always_inline)) void
put_down(enum wish wish, enum seep_snapshot_reason reason, const char *label)
{
	struct text text = TEXT_IN(mailbox->request.label);

	text_add(&text, label == NULL ? "" : label);
	mailbox->request.reason = reason;
	mailbox->request.wish = wish;
	mailbox->request.waiting = here();
}

static int ask(enum wish wish, enum seep_snapshot_reason reason, const char *label)
{
	put_down(wish, reason, label);
	return mailbox_ask();
}

int request_snapshot(enum seep_snapshot_reason reason, const char *label)
{
	int error = mailbox_take_label();

	if (error != 0)
		return error;
	error = ask(WISH_SNAPSHOT, reason, label);
	mailbox_give_label();
	return error;
}

int request_scan(enum seep_snapshot_reason reason, const char *label, struct seep_scan *found)
{
	int error = mailbox_take_label();

	if (error != 0)
		return error;
	helper_allow_tracing();
	error = ask(WISH_SCAN, reason, label);
	if (found != NULL)
		*found = mailbox->found;
	mailbox_give_label();
	return error;
}

int request_check(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings)
{
	int error = mailbox_take_label();

	if (error != 0)
		return error;
	helper_allow_tracing();
	mailbox->request.since_epoch = since_epoch;
	error = ask(WISH_CHECK, SEEP_REASON_REQUEST, NULL);
	if (error == 0) {
		*found = mailbox->found;
		*findings = mailbox->findings;
		mailbox->findings = (struct buffer){0};
	}
	mailbox_give_label();
	return error;
}

int request_work(void (*work)(void *context), void *context)
{
	int error = mailbox_take_label();

	if (error != 0)
		return error;
	mailbox->request.work = work;
	mailbox->request.context = context;
	error = ask(WISH_WORK, SEEP_REASON_REQUEST, NULL);
	mailbox_give_label();
	return error;
}

void request_names(struct buffer *text)
{
	struct buffer copy = {0};

	/* Where there is no helper, or only a thread, nobody can be asked. */
	if (!helper_outlives_us() || text->bytes == 0)
		return;
	buffer_add(&copy, text->start, text->bytes);
	if (mailbox_take_label() != 0) {
		buffer_release(&copy);
		return;
	}
	buffer_release(&mailbox->findings);
	mailbox->findings = copy;
	if (ask(WISH_NAMES, SEEP_REASON_REQUEST, NULL) == 0) {
		buffer_release(text);
		*text = mailbox->findings;
		mailbox->findings = (struct buffer){0};
	}
	mailbox_give_label();
}

int request_last_scan(const struct waiting_thread *exiting)
{
	int error = mailbox_take_label();

	if (error != 0)
		return error;
	helper_allow_tracing();
	put_down(WISH_LAST_SCAN, SEEP_REASON_REQUEST, NULL);
	if (exiting->has_called_exit)
		mailbox->request.waiting = *exiting;
	error = mailbox_ask();
	mailbox_give_label();
	return error;
}

int request_scan_inline(enum seep_snapshot_reason reason, const char *label, bool is_last,
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

int request_check_inline(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings)
{
	struct scan_order order = {.moment = SCAN_RUNNING, .waiting = here()};
	struct buffer sites = {0};
	uint64_t until = sys_clock_ns(CLOCK_MONOTONIC) + MAILBOX_PATIENCE_NS;
	int error;

	/* Another thread looks: one at a time, as where there is a helper. */
	while ((error = scan_check(&order, since_epoch, found, &sites)) == -EBUSY &&
	       sys_clock_ns(CLOCK_MONOTONIC) < until)
		sys_sleep_ns(BUSY_PAUSE_NS);
	if (error == 0)
		findings_write_lost(findings, found, &sites);
	buffer_release(&sites);
	return error;
}
