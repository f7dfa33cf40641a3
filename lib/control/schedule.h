/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: when the next snapshot is due.
 */
#ifndef LIB_CONTROL_SCHEDULE_H
#define LIB_CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

/* Starts the clock; call when the process starts. */
void schedule_start(void);

/* True when a snapshot is due now, with its reason. */
bool schedule_is_due(enum seep_snapshot_reason *reason);

/* Call when one has been taken, for whatever reason. */
void schedule_taken(uint64_t live_bytes);

/* How long a helper may sleep before it asks again, in ns. */
uint64_t schedule_pause_ns(void);

#endif
