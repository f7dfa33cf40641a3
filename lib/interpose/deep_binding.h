/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deep_binding: what the dynamic linker has kept away from us.
 *
 * A library that is opened with RTLD_DEEPBIND finds libc's malloc and free before any preloaded one, so
 * its blocks, and what it frees of the program's, would go unseen. (PHP opens all its extensions so.)
 */
#ifndef LIB_INTERPOSE_DEEP_BINDING_H
#define LIB_INTERPOSE_DEEP_BINDING_H

#include <stdbool.h>

/* Whether a dlopen with these arguments binds deeply, and means the same whoever calls it. */
bool deep_binding_is_ours(const char *file, int mode);

/* Leads the calls of libc's malloc and its family from the opened library, and from what has come with
 * it, to the doors. An allocator of its own stays what it is. */
void deep_binding_lead_to_doors(void *handle);

#endif
