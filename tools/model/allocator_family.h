/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_family: which function takes back what another gives out.
 *
 * Names are those of symbols, as a linker knows them. The sized, aligned and nothrow forms of an operator
 * are of its family: to mix those is another mistake, and harmless with the C++ libraries there are.
 */
#ifndef SEEP_MODEL_ALLOCATOR_FAMILY_H
#define SEEP_MODEL_ALLOCATOR_FAMILY_H

#include <stdbool.h>

enum allocator_family {
	FAMILY_UNKNOWN,
	FAMILY_MALLOC,	  /* malloc, calloc, realloc, aligned_alloc … and free */
	FAMILY_NEW,	  /* new and delete */
	FAMILY_NEW_ARRAY, /* new[] and delete[] */
};

/* Of what a function gives out, and of what it takes back; FAMILY_UNKNOWN of any other function.
 * realloc does both. */
enum allocator_family allocator_family_given(const char *symbol);
enum allocator_family allocator_family_taken(const char *symbol);

/* The symbol as text that lives for ever; null where it is of no family. */
const char *allocator_family_symbol(const char *symbol);

/* A global operator new or delete, those with [] among them. */
bool allocator_family_is_operator(const char *symbol);

/* "new[]", "malloc", "delete": as a programmer writes it. The symbol must be of a family. */
const char *allocator_family_word(const char *symbol);

#endif
