/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap_heap: memory for those who allocate while we are looking for the real malloc: the
 * dynamic linker's dlsym, which keeps an error message, on some systems more. Never given back.
 */
#ifndef LIB_INTERPOSE_BOOTSTRAP_HEAP_H
#define LIB_INTERPOSE_BOOTSTRAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, aligned to 16 bytes; null with ENOMEM when 64 KiB are used up. */
void *bootstrap_heap_take(size_t bytes);

#define BOOTSTRAP_HEAP_BYTES (64u << 10)
extern char bootstrap_heap[BOOTSTRAP_HEAP_BYTES];

static inline bool bootstrap_heap_owns(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)bootstrap_heap < BOOTSTRAP_HEAP_BYTES;
}

/* Bytes from `ptr` to the end of what is in use: an upper limit of the block's size. */
size_t bootstrap_heap_bytes_at(const void *ptr);

#endif
