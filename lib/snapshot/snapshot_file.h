/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file: the file that this process writes, record by record.
 *
 * One per process. Records are appended with one write each; a write that fails is taken back, so
 * what is in the file stays valid.
 */
#ifndef LIB_SNAPSHOT_SNAPSHOT_FILE_H
#define LIB_SNAPSHOT_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

/* Creates the file (mode 0600, never an existing one; `makes_folder`: and the folder that it lies
 * in) and writes its header. The descriptor is left open and locked with flock: who has a copy of
 * it is the writer, and readers see by the lock whether there still is one. Returns 0 or a negative
 * errno value. */
int snapshot_file_create(const char *pattern, bool makes_folder);

/* Absolute path; "" before it was created. */
const char *snapshot_file_path(void);
uint64_t snapshot_file_bytes(void);

/* What becomes of the descriptor: the program hands it over, then makes a helper with descriptors
 * of its own, who holds it (the result is its number), and leaves it: closes its own copy. From the
 * hand-over on everybody but the holder opens the file for each use. */
void snapshot_file_hand_over(void);
int snapshot_file_hold(void);
void snapshot_file_leave(void);
/* Closes it for good: nobody holds it. */
void snapshot_file_close(void);

/* Around appending and thinning. */
int snapshot_file_begin(void);
void snapshot_file_end(void);

int snapshot_file_append(uint32_t type, uint64_t time_ns, const void *payload, size_t bytes);
/* Appends it unless it is empty, and releases it in any case. */
int snapshot_file_append_buffer(uint32_t type, uint64_t time_ns, struct buffer *payload);

/* Drops old snapshots until the file is at most `bytes` long or nothing more can go. Where nothing could
 * the last time, mostly does nothing. */
int snapshot_file_thin(uint64_t bytes);

/* Removes the file; for a fork that only existed to exec. False where it must stay, and is open still: the
 * program may have become another user, who must not remove it. */
bool snapshot_file_remove(void);

/* In a forked child: forget the parent's file. */
void snapshot_file_forget(void);

#endif
