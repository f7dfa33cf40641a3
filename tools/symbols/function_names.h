/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_names: what a function of the debug information is called, demangled and qualified.
 */
#ifndef SEEP_SYMBOLS_FUNCTION_NAMES_H
#define SEEP_SYMBOLS_FUNCTION_NAMES_H

#include <stdbool.h>

#include <elfutils/libdw.h>

struct function_names;
struct text_pool;

/* Names live in `pool`. Null without memory. */
struct function_names *function_names_new(struct text_pool *pool);
void function_names_free(struct function_names *names);

/* The name of a DW_TAG_subprogram, DW_TAG_inlined_subroutine or DW_TAG_variable, or null. `has_scopes`:
 * look for the namespaces and classes around it where no linkage name tells them. */
const char *function_names_find(struct function_names *names, Dwarf_Die *function, bool has_scopes);

#endif
