/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions: what the tests of the examples test. A table of open sessions, by number.
 */
#ifndef EXAMPLES_SESSIONS_H
#define EXAMPLES_SESSIONS_H

#define SESSIONS_MAX 8

/* A session with that name, and its number; -1 when all are taken. */
int sessions_open(const char *name);
const char *sessions_name(int number);
/* Takes the session out of the table. The bug of these examples: one whose name is longer than eight
 * characters is not freed. */
void sessions_close(int number);

#endif
