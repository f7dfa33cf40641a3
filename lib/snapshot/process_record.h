/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_record: who this process is and how it is recorded, as a record of the file:
 * SEEP_RECORD_PROCESS.
 */
#ifndef LIB_SNAPSHOT_PROCESS_RECORD_H
#define LIB_SNAPSHOT_PROCESS_RECORD_H

/* Callers hold LOCK_SNAPSHOT and stand between snapshot_file_begin and snapshot_file_end. Returns 0 or
 * a negative errno value. */
int process_record_append(void);

#endif
