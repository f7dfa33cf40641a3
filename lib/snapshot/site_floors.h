/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_floors: how fast each site grows, told from the least that it held.
 *
 * The run is divided into periods, each as long as all before it together. What a site never fell
 * below during a period is its floor; a site that takes and gives back has none that rises.
 * Callers hold LOCK_SNAPSHOT, and say of each snapshot first that it begins and then what each
 * site holds.
 */
#ifndef LIB_SNAPSHOT_SITE_FLOORS_H
#define LIB_SNAPSHOT_SITE_FLOORS_H

#include <stdbool.h>
#include <stdint.h>

/* A period with fewer snapshots says nothing. */
#define SITE_FLOORS_SNAPSHOTS_MIN 8u

/* A snapshot begins, so long after the start of the run. */
void site_floors_begin(uint64_t time_ns);

/* Notes what the site of this stack holds in it. True where it can be told by how many bytes an
 * hour its floor in this period is above that in the period before; then that is stored, 0
 * where it is not above. */
bool site_floors_note(uint32_t stack, uint64_t bytes, uint64_t *bytes_per_hour);

/* In a forked child: nothing was noted yet. */
void site_floors_forget(void);

#endif
