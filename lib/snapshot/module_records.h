/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_records: which objects were loaded and unloaded, as records of the file: SEEP_RECORD_MODULES
 * and SEEP_RECORD_MODULE_UNLOAD.
 */
#ifndef LIB_SNAPSHOT_MODULE_RECORDS_H
#define LIB_SNAPSHOT_MODULE_RECORDS_H

#include <stdint.h>

/* Appends what the file does not have yet. Callers hold LOCK_SNAPSHOT and stand between
 * snapshot_file_begin and snapshot_file_end. Returns 0 or a negative errno value; the next call makes up
 * for what is missing. */
int module_records_append(uint64_t time_ns);

void module_records_postfork_child(void);

#endif
