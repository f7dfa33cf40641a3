/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: when the next snapshot is due.
 */
#ifndef LIB_CONTROL_SCHEDULE_H
#define LIB_CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/snapshot_writer.h"
#include "seep/snapshot_format.h"

/* Starts the clock; call when the process starts. */
void schedule_start(void);

/* True when a snapshot is due now, with its reason. */
bool schedule_is_due(enum seep_snapshot_reason *reason);

/* Call when one has been taken, for whatever reason. How long it took bounds how soon the next one comes,
 * unless the user has set the interval. */
void schedule_taken(const struct snapshot_result *snapshot);

/* The same of scans, where the user has asked for them now and then: the next one is due a whole interval
 * after the end of the last, whatever that took. */
bool schedule_scan_is_due(void);
void schedule_scan_taken(void);

/* How long a helper may sleep before it asks again, in ns. */
uint64_t schedule_pause_ns(void);

#endif
