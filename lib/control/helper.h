/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: who takes the snapshots, beside the program's threads.
 *
 * A process that shares the program's memory (the default), a thread, or nobody (inline). See
 * lib/README.md for what each of them means to the program.
 */
#ifndef LIB_CONTROL_HELPER_H
#define LIB_CONTROL_HELPER_H

#include <stdbool.h>

#define HELPER_NAME_PREFIX "seep:" /* of the process, as ps shows it */

/* Starts the helper that the options ask for; the snapshot file has been created. When it cannot be
 * started the program's own threads take the snapshots. */
void helper_start(void);

/* True when snapshots are taken by the program's own threads: nobody else is there. */
bool helper_is_inline(void);

/* True when the helper outlives the program and writes its last state by itself. */
bool helper_outlives_us(void);

/* Where the kernel asks whom a process may be traced by (Yama), it is told. Before each scan that the
 * program waits for: somebody else may have been named since. */
void helper_allow_tracing(void);

/* The program has asked for its last scan before its end: there is none then. */
void helper_refuse_last_scan(void);

/* The program is about to exec, or to end with a known status. */
void helper_note_exec(void);
void helper_note_exec_failed(void);
void helper_note_exit(int status);

/* The program is about to change its user. */
void helper_note_identity(void);

void helper_postfork_child(void);

#endif
