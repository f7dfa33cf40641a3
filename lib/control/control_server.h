/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_server: the socket on which the tool may ask the helper for something.
 */
#ifndef LIB_CONTROL_CONTROL_SERVER_H
#define LIB_CONTROL_CONTROL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* Opens the socket in the calling helper's descriptor table. Returns the descriptor, or a negative
 * errno value: then nobody can ask, and everything else works. */
int control_server_open(void);

/* Whether the process that was started then has such a socket. */
bool control_server_is_of(uint32_t pid, uint64_t start_ticks);

/* Whether among those that have connected is the helper of the program that the process has become: for
 * one that has ended since. The others are let go. */
bool control_server_has_successor(int server);

/* Serves the one that has connected. A caller that does not speak is waited for one second. Where he
 * wants a scan, `goes_on` is its order's. False when nobody can be let in now: there is no descriptor
 * left for him, say. He stays in the queue then, and the socket ready, until it is closed. */
bool control_server_serve(int server, bool (*goes_on)(void));

#endif
