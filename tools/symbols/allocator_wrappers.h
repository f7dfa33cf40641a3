/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_wrappers: functions that allocate for somebody else.
 *
 * operator new, xmalloc, strdup, std::vector: nobody leaks *in* them. A report folds them where
 * they are the innermost frames, so that a stack begins at the code that wanted the memory.
 */
#ifndef SEEP_SYMBOLS_ALLOCATOR_WRAPPERS_H
#define SEEP_SYMBOLS_ALLOCATOR_WRAPPERS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a function, named as it is shown (demangled), is one of them. */
bool allocator_wrappers_have(const char *function);

/* Whether one of the `count` patterns of a table is about this plain name. */
bool allocator_wrappers_match(const char *plain, const char *const *table, size_t count);

/* The name without template arguments and parameters, as the table has it:
 * "std::allocator<int>::allocate(unsigned long)" is "std::allocator::allocate". Cut when it does
 * not fit. */
void allocator_wrappers_plain_name(const char *function, char *plain, size_t plain_bytes);

#endif
