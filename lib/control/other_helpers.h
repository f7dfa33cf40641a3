/* SPDX-License-Identifier: Apache-2.0 */
/*
 * other_helpers: those of other processes, which end with the first process of their PID namespace.
 */
#ifndef LIB_CONTROL_OTHER_HELPERS_H
#define LIB_CONTROL_OTHER_HELPERS_H

/* For the first process of a namespace, before it ends: waits while one of the others is writing the last
 * state of a process that has ended, for at most a second. */
void other_helpers_await(void);

#endif
