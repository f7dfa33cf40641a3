/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: a running process under seep, asked through its control socket.
 *
 * Neither ptrace nor root is needed: the process must belong to the caller (or the caller be root).
 * A process in another network or mount namespace (a container) is reached too where the kernel
 * lets the caller enter. Every failure is one full sentence in `error`: no such process, somebody
 * else's, not under seep (and how to start it so), under seep but not answering.
 */
#ifndef SEEP_COMMANDS_TARGET_H
#define SEEP_COMMANDS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "seep/control_protocol.h"

struct error;

/* Large enough for a path as seen from here: /proc/PID/root and the target's own path. */
#define TARGET_PATH_BYTES (SEEP_CONTROL_PATH_BYTES + 64)

/* Is `text` meant as a PID? Only digits, and no file of that name exists here. The command that
 * takes FILE|PID asks this first; `./4711` is always a file. */
bool target_is_pid(const char *text);

/* Reads a PID. -EINVAL and a sentence where `text` is none. */
int target_parse_pid(const char *text, pid_t *pid, struct error *error);

/* The current state of the target; takes nothing. */
int target_status(pid_t pid, struct seep_control_answer *answer, struct error *error);

/* Takes a snapshot and returns when it is in the file. `label` may be null. */
int target_snapshot(pid_t pid, const char *label, struct seep_control_answer *answer,
		    struct error *error);

/* The same as a mark: the program is in the state called `label`. */
int target_mark(pid_t pid, const char *label, struct seep_control_answer *answer,
		struct error *error);

/* The same, and looks what is reachable; returns when both are in the file. */
int target_scan(pid_t pid, const char *label, struct seep_control_answer *answer,
		struct error *error);

/* -EINVAL and a sentence where FILE@LABEL names another snapshot: of numbers, first and last. */
int target_check_label(const char *label, struct error *error);

/* Takes a snapshot, so that what is read is current, and stores the path of the target's file as
 * it can be opened from here in `path` (TARGET_PATH_BYTES). */
int target_find_file(pid_t pid, char *path, struct error *error);

/* The path in `answer` as it can be opened from here, for the other two functions. */
int target_answer_path(pid_t pid, const struct seep_control_answer *answer, char *path,
		       struct error *error);

/* /proc/PID/FILE for reading; null where it cannot be read. */
FILE *target_open_proc(pid_t pid, const char *file);

/* The name of a process (comm), "?" where it cannot be read. Returns `name`. */
const char *target_name(pid_t pid, char *name, size_t name_bytes);

/* One request, one answer; waits for at most `timeout_ms`. What the functions above stand on. */
int target_ask(pid_t pid, const struct seep_control_request *request, int timeout_ms,
	       struct seep_control_answer *answer, struct error *error);

#endif
