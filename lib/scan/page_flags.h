/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_flags: which pages of the copy's memory may hold what the program has written.
 *
 * Only a page of the process's own can hold the address of a block: one that it has written to. What
 * was never touched, and what is still as it is in a file, need not be read.
 */
#ifndef LIB_SCAN_PAGE_FLAGS_H
#define LIB_SCAN_PAGE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_FLAGS_PAGE_BYTES 4096u

void page_flags_open(void);
void page_flags_close(void);

/* The next run of such pages of a mapping at or behind *start and before *end: both become the run's.
 * False where there is none. Of a shared mapping all pages that are in memory count. */
bool page_flags_run(bool is_private, uint64_t *start, uint64_t *end);

#endif
