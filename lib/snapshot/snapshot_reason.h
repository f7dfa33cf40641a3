/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_reason: what it means for a snapshot why it is taken.
 */
#ifndef LIB_SNAPSHOT_SNAPSHOT_REASON_H
#define LIB_SNAPSHOT_SNAPSHOT_REASON_H

#include <stdbool.h>

#include "seep/snapshot_format.h"

/* By itself, and soon there is another one. */
static inline bool snapshot_reason_is_automatic(enum seep_snapshot_reason reason)
{
	return reason == SEEP_REASON_INTERVAL || reason == SEEP_REASON_GROWTH ||
	       reason == SEEP_REASON_MEMORY;
}

/* No other one follows. */
static inline bool snapshot_reason_is_last(enum seep_snapshot_reason reason)
{
	return reason == SEEP_REASON_FINAL || reason == SEEP_REASON_EXEC;
}

#endif
