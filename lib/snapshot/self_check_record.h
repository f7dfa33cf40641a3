/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check_record: what the self-check has found, as a record of the file: SEEP_RECORD_SELF_CHECK.
 */
#ifndef LIB_SNAPSHOT_SELF_CHECK_RECORD_H
#define LIB_SNAPSHOT_SELF_CHECK_RECORD_H

#include <stdint.h>

/* Appends what has been found since it was written last. A difference whose stacks are too new for this
 * snapshot waits for the next. Callers hold LOCK_SNAPSHOT and stand between snapshot_file_begin and
 * snapshot_file_end; the stacks have been written. Returns 0 or a negative errno value. */
int self_check_record_append(uint64_t time_ns);

void self_check_record_postfork_child(void);

#endif
