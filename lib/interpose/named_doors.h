/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named_doors: doors of an allocator that is linked into the program and whose prefix the user names.
 */
#ifndef LIB_INTERPOSE_NAMED_DOORS_H
#define LIB_INTERPOSE_NAMED_DOORS_H

/* From now on the program's functions PREFIXmalloc, PREFIXfree and so on are followed as malloc is. Returns null, or
 * why they cannot be. Only while the process has one thread. */
const char *named_doors_open(const char *prefix);

#endif
