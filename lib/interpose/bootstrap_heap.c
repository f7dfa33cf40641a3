/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap_heap: memory for those who allocate while we are looking for the real malloc.
 *
 *   Runs in   the target, during its first allocation
 *   Locks     none; one atomic counter
 *   Memory    64 KiB, static, touched when used
 *   Calls     nothing
 *   Failure   null with ENOMEM, as a malloc may
 */
#include "lib/interpose/bootstrap_heap.h"

#include <errno.h>
#include <stdatomic.h>

#include "lib/record/sampler.h"

#include "lib/base/poison.h"

char bootstrap_heap[BOOTSTRAP_HEAP_BYTES] __attribute__((aligned(16)));
static _Atomic(size_t) used;

void *bootstrap_heap_take(size_t bytes)
{
	size_t rounded = bytes > BOOTSTRAP_HEAP_BYTES ? BOOTSTRAP_HEAP_BYTES + 1
						      : (bytes + 16) & ~(size_t)15;
	size_t start = atomic_fetch_add(&used, rounded);

	if (start + rounded > BOOTSTRAP_HEAP_BYTES || start + rounded < start) {
		atomic_fetch_sub(&used, rounded);
		errno = ENOMEM;
		return NULL;
	}
	/* So that a process that samples looks at it when it is freed. */
	sampler_filter_add((uintptr_t)bootstrap_heap + start);
	return bootstrap_heap + start;
}

size_t bootstrap_heap_bytes_at(const void *ptr)
{
	return atomic_load(&used) - (size_t)((const char *)ptr - bootstrap_heap);
}
