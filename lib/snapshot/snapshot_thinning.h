/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_thinning: a shorter copy of a snapshot file, with every second old snapshot left out.
 *
 * See seep_snapshot in the file format: entries that only a dropped snapshot holds move into the
 * next one, so each kept snapshot still says the whole truth about its moment.
 */
#ifndef LIB_SNAPSHOT_SNAPSHOT_THINNING_H
#define LIB_SNAPSHOT_SNAPSHOT_THINNING_H

#include <stddef.h>
#include <stdint.h>

typedef int snapshot_thinning_put(void *context, uint32_t type, uint64_t time_ns,
				  const void *payload, size_t bytes);

/* Copies the records of the file `fd`, `bytes` long, by calling `put` for each one that stays. The
 * `newest_kept` newest snapshots (at least one) and the first one stay, and those with a label until
 * they are the most. Returns 0 or a negative errno value.
 */
int snapshot_thinning_copy(int fd, uint64_t bytes, uint32_t newest_kept, snapshot_thinning_put *put,
			   void *context);

#endif
