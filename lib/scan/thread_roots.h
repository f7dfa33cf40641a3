/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_roots: registers and stacks of the program's threads, and what libc keeps of each.
 */
#ifndef LIB_SCAN_THREAD_ROOTS_H
#define LIB_SCAN_THREAD_ROOTS_H

#include "lib/scan/memory_layout.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/span_list.h"
#include "lib/scan/stopped_threads.h"

/* Adds to `roots` what threads can get at by themselves, and to `holes` what has been looked at here: the
 * mappings of stacks, also of threads that have ended. A mapping of which it is not certain that it is
 * such a stack is left alone. Returns how many threads a forked child has left behind at most: what was
 * in their registers nobody knows. */
uint32_t thread_roots_find(const struct memory_layout *layout,
			   const struct stopped_threads *threads, struct scan_memory *memory,
			   struct span_list *holes, struct root_list *roots);

/* For root_list.describe; root_list.context are the stopped_threads. */
void thread_roots_describe(const struct root_list *list, const struct root *root, uint64_t addr,
			   struct seep_root *described, const char **name);

#endif
