/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: the page on which the program and its helper speak to each other.
 *
 * Who asks for something takes the label first: the request is his then, and so is what comes back, until he
 * gives it away. Who only notes something for the helper (is_exec_near and what follows it) needs no label.
 */
#ifndef LIB_CONTROL_MAILBOX_H
#define LIB_CONTROL_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/options.h"
#include "lib/scan/scan.h"
#include "seep/control_protocol.h"
#include "seep/snapshot_format.h"

#define MAILBOX_PATIENCE_NS 60000000000ull /* for which one waits for an answer */

enum wish {
	WISH_SNAPSHOT,
	WISH_SCAN, /* a snapshot, and a scan after it */
	WISH_LAST_SCAN, /* the same by the thread that ends the program, who does not wait for the result */
	WISH_CHECK, /* neither, but what is lost of what was born since */
	WISH_NAMES, /* none of it, but names for the addresses in the findings */
	WISH_WORK,  /* something else that is best done beside the program */
};

static inline bool wish_is_scan(enum wish wish)
{
	return wish == WISH_SCAN || wish == WISH_LAST_SCAN || wish == WISH_CHECK;
}

struct request {
	enum wish wish;
	enum seep_snapshot_reason reason;
	char label[SEEP_CONTROL_LABEL_BYTES]; /* of the snapshot; "": none */
	struct waiting_thread waiting;	      /* for a scan */
	uint32_t since_epoch;		      /* for a check */
	void (*work)(void *context);	      /* for work, and with what */
	void *context;
};

struct mailbox {
	_Atomic(uint32_t) requested, done; /* requests made and served; done is a futex */
	struct request request;		   /* written by whoever has the label */
	_Atomic(int32_t) error; /* of the last one; written by the helper, as what follows */
	struct seep_scan found; /* by the last scan or check */
	struct buffer findings; /* of the last check; whoever has asked takes it */
	_Atomic(uint32_t) label_holder; /* the thread that has the label; 0: none */
	_Atomic(uint32_t) label_next;	/* one of those that wait for it; 0: none, or not known */
	_Atomic(uint32_t) is_exec_near, is_identity_near;
	_Atomic(uint32_t) has_exit_status;
	_Atomic(int32_t) exit_status;
	_Atomic(uint32_t) refuses_last_scan;
};

/* Null until there is one. A forked child sees zeros on it. */
extern struct mailbox *mailbox;

/* Who reads it. */
struct mailbox_reader {
	_Atomic(uint32_t) tid; /* 0: nobody, or not known yet */
	enum snapshots_by kind;
};
extern struct mailbox_reader mailbox_reader;

/* Maps the page, unless there is one. False when there is no memory. */
bool mailbox_open(void);

/* ---- in the program ---- */

/* Waits until nobody else has the label and all that was asked for is done. Returns 0, or a negative
 * errno value: then the label is nobody's. */
int mailbox_take_label(void);
void mailbox_give_label(void);

/* Has the request that is in there served, and waits for that. With the label taken. Returns the error
 * of what was asked for, or -ESRCH when there is no helper any more, or -ETIMEDOUT. */
int mailbox_ask(void);

/* Has the helper look, if there is one. */
void mailbox_signal_reader(void);

/* ---- in the helper ---- */

/* Whether there is a request that has not been served. */
bool mailbox_has_request(void);

/* The request with this number has been served: whoever waits for it goes on. */
void mailbox_answer(uint32_t number, int error);

/* Sent to the helper only; it blocks all and reads this one. A thread also reads what is sent to the
 * program as a whole, so it is one that nobody sends there: libc keeps it for itself (SIGSETXID), and
 * sends it to threads that it knows of. */
#define MAILBOX_WAKE_SIGNAL 33

void mailbox_postfork_child(void);

#endif
