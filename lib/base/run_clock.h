/* SPDX-License-Identifier: Apache-2.0 */
/* run_clock: the time that snapshots have, and by which they are due. */
#ifndef LIB_BASE_RUN_CLOCK_H
#define LIB_BASE_RUN_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that stands still when CLOCK_MONOTONIC goes back, and goes on from there. */
uint64_t run_clock_ns(void);

#endif
