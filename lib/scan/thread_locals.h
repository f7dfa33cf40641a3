/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_locals: where a thread has the thread-local data of modules.
 *
 * Of those that were there when it began, beside its descriptor; of plug-ins in blocks that the dynamic
 * linker has asked malloc for.
 */
#ifndef LIB_SCAN_THREAD_LOCALS_H
#define LIB_SCAN_THREAD_LOCALS_H

#include <stdint.h>

#include "lib/scan/memory_layout.h"

#define THREAD_LOCALS_MAX 64u

/* Multiples of 8. */
struct thread_local_data {
	uint64_t start, end;
	uint64_t offset; /* of `start` in the module's TLS segment */
	uint64_t block;	 /* that they lie in, as the table has it; 0: beside the descriptor */
	uint32_t module;
};

struct thread_locals {
	struct thread_local_data data[THREAD_LOCALS_MAX]; /* in rising order */
	uint32_t count;
	struct thread_local_data in_blocks[THREAD_LOCALS_MAX];
	uint32_t block_count;
};

/* Those of the thread with this fs_base; none where there is no such thread, or another libc. */
void thread_locals_find(const struct memory_layout *layout, uint64_t fs_base,
			struct thread_locals *found);

#endif
