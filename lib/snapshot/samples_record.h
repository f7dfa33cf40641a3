/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples_record: what the estimates of a snapshot rest on, as a record of the file:
 * SEEP_RECORD_SAMPLES.
 */
#ifndef LIB_SNAPSHOT_SAMPLES_RECORD_H
#define LIB_SNAPSHOT_SAMPLES_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/snapshot/site_totals.h"

/* The payload that follows the snapshot `number`; empty in a process that does not sample. */
struct buffer samples_record_payload(const struct site_totals *totals, uint32_t number);

#endif
