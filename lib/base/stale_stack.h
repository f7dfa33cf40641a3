/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stale_stack: what calls that have returned have left on the stack.
 */
#ifndef LIB_BASE_STALE_STACK_H
#define LIB_BASE_STALE_STACK_H

/* Wipes what lies on the stack below the caller: more than our own frames take until a scan is under way. For
 * doors that are never called from a signal handler, whose stack may be a small one. */
void stale_stack_wipe(void);

#endif
