/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_locals: where a thread has the thread-local data of modules.
 *
 * Only of those that lie beside its descriptor. The rest are blocks of the dynamic linker's.
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
	uint32_t module;
};

struct thread_locals {
	struct thread_local_data data[THREAD_LOCALS_MAX]; /* in rising order */
	uint32_t count;
};

/* Those of the thread with this fs_base; none where there is no such thread, or another libc. */
void thread_locals_find(const struct memory_layout *layout, uint64_t fs_base,
			struct thread_locals *found);

#endif
