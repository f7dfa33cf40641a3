/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: who takes the snapshots, beside the program's threads.
 *
 * A process that shares the program's memory (the default), a thread, or nobody (inline). See
 * lib/README.md for what each of them means to the program.
 */
#ifndef LIB_CONTROL_HELPER_H
#define LIB_CONTROL_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

/* Starts the helper that the options ask for; the snapshot file has been created. When it cannot be
 * started the program's own threads take the snapshots. */
void helper_start(void);

/* True when snapshots are taken by the program's own threads: nobody else is there. */
bool helper_is_inline(void);

/* True when the helper outlives the program and writes its last state by itself. */
bool helper_outlives_us(void);

/* Asks for a snapshot and waits until it is in the file. Returns 0 or a negative errno value;
 * -ESRCH when there is no helper any more. A label that is too long is cut. */
int helper_request(enum seep_snapshot_reason reason, const char *label);

/* The same, and looks what is reachable; returns when that is in the file, too. *found (may be null) is
 * the head of the record; where nobody could look it says why. */
struct seep_scan;
struct waiting_thread;
int helper_request_scan(enum seep_snapshot_reason reason, const char *label,
			struct seep_scan *found);

/* Looks what is lost of the blocks that were born in the epoch or later. *found is as of scan_check; *findings
 * (which begins empty, and is to be released) is what to tell a person. */
struct buffer;
int helper_request_check(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings);
/* Has the helper do work(context) when nobody takes a snapshot; not inline. Returns 0, or a negative errno value
 * when it has not been done: after -ETIMEDOUT it may still be. */
int helper_request_work(void (*work)(void *context), void *context);
/* Puts names in place of the addresses in a text, where that is possible. */
void helper_request_names(struct buffer *text);
int helper_check_inline(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings);

/* The program is about to end, and this is the thread that ends it: the same, but returns as soon as there
 * is a copy of the process to look at, where the helper outlives the program. `exiting` is that thread
 * where it has called exit, see exit_point, and no thread elsewhere. */
int helper_request_last_scan(const struct waiting_thread *exiting);

/* The program has asked for its last scan before its end: there is none then. */
void helper_refuse_last_scan(void);

/* Without a helper: the calling thread takes the snapshot and looks. */
int helper_scan_inline(enum seep_snapshot_reason reason, const char *label, bool is_last,
		       struct seep_scan *found);

/* The program is about to exec, or to end with a known status. */
void helper_note_exec(void);
void helper_note_exec_failed(void);
void helper_note_exit(int status);

void helper_postfork_child(void);

#endif
