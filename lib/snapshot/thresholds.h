/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thresholds: the settings max_…, compared with each snapshot that was written.
 */
#ifndef LIB_SNAPSHOT_THRESHOLDS_H
#define LIB_SNAPSHOT_THRESHOLDS_H

#include <stdint.h>

struct seep_snapshot;
struct site_totals;

/* Appends a record for each threshold that this snapshot, which is in the file already, shows to be
 * crossed and the one before did not. Callers hold LOCK_SNAPSHOT and stand between
 * snapshot_file_begin and snapshot_file_end. */
void thresholds_watch(const struct seep_snapshot *snapshot, const struct site_totals *totals,
		      uint64_t time_ns);

void thresholds_postfork_child(void);

#endif
