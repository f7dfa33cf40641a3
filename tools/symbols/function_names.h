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

struct function_name {
	const char *text;	  /* null where unknown */
	const char *linkage_name; /* as the linker knows it, mangled; null where it is not */
};

/* Names live in `pool`. Null without memory. */
struct function_names *function_names_new(struct text_pool *pool);
void function_names_free(struct function_names *names);

/* The name of a DW_TAG_subprogram, DW_TAG_inlined_subroutine or DW_TAG_variable. `has_scopes`: look for
 * the namespaces and classes around it where no linkage name tells them. */
struct function_name function_names_find(struct function_names *names, Dwarf_Die *function,
					 bool has_scopes);

#endif
