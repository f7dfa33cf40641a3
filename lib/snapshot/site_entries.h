/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_entries: what a snapshot says of each site.
 *
 * Only those sites are in it that have changed since they were last written.
 */
#ifndef LIB_SNAPSHOT_SITE_ENTRIES_H
#define LIB_SNAPSHOT_SITE_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/snapshot/site_totals.h"

/* Adds the entries of the sites that have changed, of all for a keyframe. Returns how many. They
 * count as written: where the snapshot does not get into the file, the next one must be a keyframe.
 * Callers hold LOCK_SNAPSHOT. */
uint32_t site_entries_add(struct buffer *payload, const struct site_totals *totals,
			  bool is_keyframe);

#endif
