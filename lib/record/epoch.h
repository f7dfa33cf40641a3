/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoch: the number of the period between two snapshots; every block remembers the one it was
 * born in. Written by whoever takes a snapshot, read by every allocation; no clock is.
 */
#ifndef LIB_RECORD_EPOCH_H
#define LIB_RECORD_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

extern _Atomic(uint32_t) epoch_current; /* from 1 */

static inline uint32_t epoch_now(void)
{
	return atomic_load_explicit(&epoch_current, memory_order_relaxed);
}

#endif
