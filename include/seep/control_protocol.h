/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_protocol: what the tool may ask of a running target.
 *
 * The helper of every target listens on an abstract unix socket (SOCK_SEQPACKET) with the name
 *
 *     seep.PID.TICKS      (preceded by a zero byte; PID in the target's own PID namespace, TICKS
 *                          field 22 of /proc/PID/stat, both decimal)
 *
 * Abstract names leave nothing behind and live in the network namespace of the target. One
 * request is one packet, one answer is one packet; then either side may close. The helper serves
 * callers with its own effective user id and root, checked with SO_PEERCRED; others get
 * SEEP_CONTROL_REFUSED. Numbers are in host order: both ends are on one machine.
 *
 * Versions: a helper answers a `version` that it does not know with SEEP_CONTROL_BAD_VERSION.
 */
#ifndef SEEP_CONTROL_PROTOCOL_H
#define SEEP_CONTROL_PROTOCOL_H

#include <stdint.h>

#define SEEP_CONTROL_NAME_FORMAT "seep.%u.%llu"
#define SEEP_CONTROL_VERSION 1
#define SEEP_CONTROL_LABEL_BYTES 128
#define SEEP_CONTROL_PATH_BYTES 4096

enum seep_control_verb {
	SEEP_CONTROL_STATUS = 1,   /* answer with the current state, take nothing */
	SEEP_CONTROL_SNAPSHOT = 2, /* take a snapshot with this label, answer when it is in the file */
	SEEP_CONTROL_MARK = 3,     /* the same as a mark, see SEEP_REASON_MARK; the label is not empty.
	                            * A helper before format 1.3 answers SEEP_CONTROL_BAD_REQUEST */
	SEEP_CONTROL_SCAN = 4,     /* take a snapshot with this label, look what is reachable, answer
	                            * when both are in the file. A helper before format 1.5 answers
	                            * SEEP_CONTROL_BAD_REQUEST */
	SEEP_CONTROL_SUCCESSOR = 5, /* from the helper of the program that this process has become by exec, and
	                            * whose name is taken still. Not answered */
};

struct seep_control_request {
	uint32_t version;
	uint32_t verb;                        /* enum seep_control_verb */
	char label[SEEP_CONTROL_LABEL_BYTES]; /* ends with a zero byte */
};

enum seep_control_result {
	SEEP_CONTROL_OK = 0,
	SEEP_CONTROL_BAD_VERSION = 1,
	SEEP_CONTROL_BAD_REQUEST = 2,
	SEEP_CONTROL_REFUSED = 3,     /* the caller is another user */
	SEEP_CONTROL_WRITE_FAILED = 4 /* `error` is the errno of the write */
};

struct seep_control_answer {
	uint32_t version;
	uint32_t result; /* enum seep_control_result */
	int32_t error;
	uint32_t snapshot;    /* number of the snapshot taken, or of the last one */
	uint64_t live_bytes;  /* in that snapshot */
	uint64_t live_blocks; /* in that snapshot */
	char path[SEEP_CONTROL_PATH_BYTES]; /* of the snapshot file; ends with a zero byte */
};

#endif
