/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_records: the call tree as records of the file: SEEP_RECORD_STACKS.
 *
 * Callers hold LOCK_SNAPSHOT.
 */
#ifndef LIB_SNAPSHOT_STACK_RECORDS_H
#define LIB_SNAPSHOT_STACK_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

/* For a new file, which has none. */
void stack_records_start(void);

/* The end of those of the first `count` stacks that can be written now: all before the first one that
 * a thread is still adding. One that was not complete in the call before either is taken for one that
 * nobody will complete, and written as a stack that is not known. `is_quiet` says that no thread of
 * the program runs any more. */
uint32_t stack_records_complete(uint32_t count, bool is_quiet);

/* Appends the stacks below `end` that the file does not have yet. Callers stand between
 * snapshot_file_begin and snapshot_file_end. Returns 0 or a negative errno value; the next call makes up
 * for what is missing. */
int stack_records_append(uint64_t time_ns, uint32_t end);

/* The file has the stacks with ids below. */
uint32_t stack_records_end(void);

#endif
