/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end_record: the last word about a process, appended to its snapshot file.
 *
 * Only a parent knows how a process ended. The library writes what it saw itself; seep run adds
 * what waitpid said. The only place where the tool writes into a snapshot file.
 */
#ifndef SEEP_COMMANDS_END_RECORD_H
#define SEEP_COMMANDS_END_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct seep_end;

/* Waits until nobody writes to the file any more: after the end of a program its helper process
 * still writes the last snapshot, and holds a lock (flock) on the file as long as it is there.
 * Returns a descriptor that holds the lock, or a negative errno value: -ETIMEDOUT after
 * `timeout_ms`. `notice` (may be null) is called once when it takes longer than `notice_ms`. */
int end_record_lock(const char *path, int notice_ms, int timeout_ms, void (*notice)(void *context),
		    void *context, struct error *error);

/* Appends `end`, unless the file says the same already or ends with an exec:
 * then the process went on as another program, and this file is not about its end. */
int end_record_append(int fd, const char *path, const struct seep_end *end, struct error *error);

#endif
