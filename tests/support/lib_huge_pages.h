/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_huge_pages: what of our own memory lies in huge pages.
 */
#ifndef TESTS_SUPPORT_LIB_HUGE_PAGES_H
#define TESTS_SUPPORT_LIB_HUGE_PAGES_H

#include <stddef.h>

#define LIB_HUGE_PAGE_BYTES (2u << 20)

/* Of the mappings that begin or lie in these bytes; /proc/self/smaps. */
size_t lib_huge_pages_in(const void *start, size_t bytes);

#endif
