/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc_doors: malloc and its family; what the doors of other allocators share with it.
 *
 * In a process that samples a block is drawn, or is not, as one of malloc's is.
 */
#ifndef LIB_INTERPOSE_MALLOC_DOORS_H
#define LIB_INTERPOSE_MALLOC_DOORS_H

#include <stddef.h>

#include "lib/record/live_block.h"
#include "lib/record/stack_capture.h"

typedef void *malloc_doors_realloc(void *ptr, size_t bytes);

/* `ptr` has just been allocated, or is null; returns it. */
void *malloc_doors_note(void *ptr, size_t bytes, enum block_kind kind, struct caller caller);

/* `ptr`, which is not null, is about to be freed. */
void malloc_doors_forget(void *ptr, struct caller caller);

/* Calls `real` and notes what has moved. */
void *malloc_doors_reallocate(malloc_doors_realloc *real_realloc, void *ptr, size_t bytes,
			      struct caller caller);

#endif
