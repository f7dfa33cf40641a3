/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit_point: what still counts of a thread that has called exit.
 */
#ifndef LIB_SCAN_EXIT_POINT_H
#define LIB_SCAN_EXIT_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/scan.h"

/* In a handler that exit calls: fills in the registers and the stack of the calling thread as they were when
 * it called exit. `frame` is __builtin_frame_address(0) of the handler, which has a frame pointer for that,
 * `exit_addr` where libc has the function. False where that cannot be told; then *point is of no thread. */
bool exit_point_find(const uint64_t *frame, uintptr_t exit_addr, struct waiting_thread *point);

#endif
