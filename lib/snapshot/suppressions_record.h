/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppressions_record: what the program itself says is no leak, as a record of the file:
 * SEEP_RECORD_SUPPRESSIONS.
 */
#ifndef LIB_SNAPSHOT_SUPPRESSIONS_RECORD_H
#define LIB_SNAPSHOT_SUPPRESSIONS_RECORD_H

/* Keeps a copy of the text, up to the last whole line that a record has room for, for the file of this
 * process and of its children. Once, at the start. */
void suppressions_record_note(const char *text);

/* Where there is a text. Callers hold LOCK_SNAPSHOT and stand between snapshot_file_begin and
 * snapshot_file_end. Returns 0 or a negative errno value. */
int suppressions_record_append(void);

#endif
