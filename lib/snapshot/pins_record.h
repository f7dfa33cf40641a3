/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pins_record: which sites keep free memory from being used otherwise, as a record of the file:
 * SEEP_RECORD_PINS.
 */
#ifndef LIB_SNAPSHOT_PINS_RECORD_H
#define LIB_SNAPSHOT_PINS_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/snapshot/site_totals.h"
#include "seep/snapshot_format.h"

/* The payload that follows the snapshot `number`; empty where nothing is known, or it is too early
 * to look again. Whoever reads the last snapshot finds the newest there could be. */
struct buffer pins_record_payload(const struct site_totals *totals, uint32_t number,
				  enum seep_snapshot_reason reason);

#endif
