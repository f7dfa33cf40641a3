/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal_free_record: the free that has ended the program, as a record of the file:
 * SEEP_RECORD_FATAL_FREE.
 */
#ifndef LIB_SNAPSHOT_FATAL_FREE_RECORD_H
#define LIB_SNAPSHOT_FATAL_FREE_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "seep/snapshot_format.h"

/* The payload that follows the snapshot `number`; empty but for the last one of a process that was ended
 * so. Stacks below `stack_count` are in the file. */
struct buffer fatal_free_record_payload(uint32_t number, enum seep_snapshot_reason reason,
					uint32_t stack_count);

#endif
