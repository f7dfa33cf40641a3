/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_lending: how a process gets a snapshot file that it may not begin itself.
 *
 * `seep run` and `seep check` listen as long as the program runs, on an abstract unix socket (SOCK_DGRAM) with
 * the name
 *
 *     seep.lender.NAME    (preceded by a zero byte)
 *
 * and tell the library NAME and KEY in its settings: file_lender=NAMEKEY, hexadecimal digits, drawn anew for
 * each run. A process that has become another user, or has changed its root, asks in one packet, from a
 * socket that is connected to this name, so that nobody else can answer. The answer is one packet, too, with
 * the descriptor of a new file (SCM_RIGHTS), empty and locked, among those of the run's children. Who asks
 * believes it where it comes from root or from his own user (SCM_CREDENTIALS): the name may be another's once
 * the run is over. Who answers believes who knows KEY, which is all that a process of the run has to show.
 *
 * Both ends are of one version, for the tool brings the library; another `version` is not answered.
 */
#ifndef SEEP_FILE_LENDING_H
#define SEEP_FILE_LENDING_H

#include <stdint.h>

#define SEEP_LENDER_SETTING "file_lender"
#define SEEP_LENDER_NAME_PREFIX "seep.lender."
#define SEEP_LENDER_NAME_DIGITS 16
#define SEEP_LENDER_KEY_DIGITS 32
#define SEEP_LENDING_VERSION 1

struct seep_lending_request {
	uint32_t version;
	uint32_t pid; /* in the PID namespace of who asks; for the name of the file */
	char key[SEEP_LENDER_KEY_DIGITS];
	char name[16]; /* of the program; ends with a zero byte */
};

/* The path of the file follows, with a zero byte at its end, for those who may open it. */
struct seep_lending_head {
	uint32_t version;
	int32_t error; /* errno, and no descriptor; 0: there is one */
};

#endif
