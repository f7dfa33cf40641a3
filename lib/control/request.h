/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: what the program may ask of its helper, and waits for.
 *
 * Each returns 0 or a negative errno value: -ESRCH when there is no helper any more, -ETIMEDOUT when it has not
 * answered in a minute. The `_inline` ones are for where nobody else is there (helper_is_inline): the
 * calling thread does it itself.
 */
#ifndef LIB_CONTROL_REQUEST_H
#define LIB_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/scan/scan.h"
#include "seep/snapshot_format.h"

/* A snapshot, and returns when it is in the file. A label that is too long is cut. */
int request_snapshot(enum seep_snapshot_reason reason, const char *label);

/* The same, and looks what is reachable; returns when that is in the file, too. *found (may be null) is
 * the head of the record; where nobody could look it says why. */
int request_scan(enum seep_snapshot_reason reason, const char *label, struct seep_scan *found);
int request_scan_inline(enum seep_snapshot_reason reason, const char *label, bool is_last,
			struct seep_scan *found);

/* The program is about to end, and this is the thread that ends it: the same, but returns as soon as there
 * is a copy of the process to look at, where the helper outlives the program. `exiting` is that thread
 * where it has called exit, see exit_point, and no thread elsewhere. */
int request_last_scan(const struct waiting_thread *exiting);

/* Looks what is lost of the blocks that were born in the epoch or later. *found is as of scan_check; *findings
 * (which begins empty, and is to be released) is what to tell a person. */
int request_check(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings);
int request_check_inline(uint32_t since_epoch, struct seep_scan *found, struct buffer *findings);

/* Has the helper do work(context) when nobody takes a snapshot. When it has not been done: after
 * -ETIMEDOUT it may still be. */
int request_work(void (*work)(void *context), void *context);

/* Puts names in place of the addresses in a text, where that is possible. */
void request_names(struct buffer *text);

#endif
