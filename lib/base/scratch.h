/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: memory for the duration of one snapshot, kept for the next one when that comes soon.
 *
 * A helper that shares the program's memory makes every processor that runs the program flush its
 * address translations whenever it unmaps something. So while snapshots follow each other quickly,
 * nothing is unmapped.
 */
#ifndef LIB_BASE_SCRATCH_H
#define LIB_BASE_SCRATCH_H

#include <stddef.h>

/* `bytes` bytes, page aligned, all zeros; null when there is no memory. */
void *scratch_map(size_t bytes);

/* Gives it back, with the same number of bytes. */
void scratch_unmap(void *start, size_t bytes);

/* Gives what is kept back to the kernel. */
void scratch_forget(void);

#endif
