/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_head: what a snapshot says of the process as a whole.
 *
 * Callers hold LOCK_SNAPSHOT.
 */
#ifndef LIB_SNAPSHOT_SNAPSHOT_HEAD_H
#define LIB_SNAPSHOT_SNAPSHOT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/site_totals.h"
#include "seep/snapshot_format.h"

/* Whether a snapshot now is to look at how blocks fill pages. Where blocks are many and snapshots follow
 * each other closely, the newest values are repeated. */
bool snapshot_head_looks_at_pages(enum seep_snapshot_reason reason, uint64_t time_ns);

/* One that did began then and took so long. */
void snapshot_head_note_look(uint64_t time_ns, uint64_t duration_ns);

/* All but what belongs to the label and the entries. `is_quiet` says that no thread of the program
 * runs any more; `looked_at_pages`, that the totals know how blocks fill them. */
struct seep_snapshot snapshot_head(const struct site_totals *totals, uint32_t number,
				   enum seep_snapshot_reason reason, bool is_quiet,
				   bool looked_at_pages);

void snapshot_head_postfork_child(void);

#endif
