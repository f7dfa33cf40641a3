/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_writer: takes snapshots and keeps the file complete.
 *
 * Callable by any one thread, by the helper, and for a process that is already dead (its memory is
 * still there). Snapshots are taken one at a time.
 */
#ifndef LIB_SNAPSHOT_SNAPSHOT_WRITER_H
#define LIB_SNAPSHOT_SNAPSHOT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/memory_limit.h"
#include "seep/snapshot_format.h"

/* Creates the file and writes what is known of the process. Returns 0 or a negative errno value. */
int snapshot_writer_start(void);

struct buffer;

struct snapshot_result {
	uint32_t number;
	uint64_t live_bytes, live_blocks;
	uint64_t duration_ns; /* that taking it took */
};

/* Takes a snapshot; `label` may be null. `is_quiet` says that no thread of the program runs any
 * more: the snapshot is exact. Returns 0 or a negative errno value; *result (may be null) is then
 * filled. */
int snapshot_writer_take(enum seep_snapshot_reason reason, const char *label, bool is_quiet,
			 struct snapshot_result *result);

/* Appends a record for others, unless it is empty, and releases the payload in any case. The file then
 * has the modules and stacks of now; of stacks that a thread is adding at this moment it may know only
 * the number. Where a type is written again and again, snapshot_thinning must know what may go. Returns
 * 0 or a negative errno value: -EBUSY in a signal handler that interrupted a snapshot, -EFBIG where the
 * file has no room for it. */
int snapshot_writer_append(uint32_t type, struct buffer *payload);

/* Writes the last record. */
int snapshot_writer_end(enum seep_end_how how, int status);

/* Snapshots written so far, and the state in the last one. */
struct snapshot_result snapshot_writer_last(void);

/* Live bytes now, from the counters: no walk, no lock. */
uint64_t snapshot_writer_live_bytes(void);

/* Of the limits that the process is held to, the one with the least room left, now; none where a snapshot is
 * being taken. */
struct memory_limit snapshot_writer_limit(void);

void snapshot_writer_postfork_child(void);

/* Around a walk over the live table by somebody else: nobody takes a snapshot meanwhile. False in a signal
 * handler that has interrupted this thread's own. */
bool snapshot_writer_hold(void);
void snapshot_writer_let_go(void);

#endif
