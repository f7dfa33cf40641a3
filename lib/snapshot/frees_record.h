/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_record: who frees, as a record of the file: SEEP_RECORD_FREES.
 *
 * Its numbers are cumulative and the newest record counts, so one is written when there is something
 * new, and not with each snapshot that is taken by itself.
 */
#ifndef LIB_SNAPSHOT_FREES_RECORD_H
#define LIB_SNAPSHOT_FREES_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "seep/snapshot_format.h"

/*
 * The payload that follows the snapshot `number`, of which the file has the stacks below `stack_end`;
 * empty when there is nothing to say. After a snapshot that was asked for, or is the last, all that
 * is new is to be said; otherwise only once there are an eighth more samples than the last time.
 */
struct buffer frees_record_payload(uint32_t number, enum seep_snapshot_reason reason,
				   uint32_t stack_end);

/* What the last payload said is in the file. Otherwise the next one says it again. */
void frees_record_note_written(void);

void frees_record_postfork_child(void);

#endif
