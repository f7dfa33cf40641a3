/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable_index: which variable of the debug information covers an address.
 *
 * Globals, statics of files, classes and functions, and thread-local variables. Addresses are those of
 * the debug information (before libdwfl's bias), of thread-local variables offsets in the TLS segment.
 * DIEs stay valid as long as the Dwarf does.
 */
#ifndef SEEP_SYMBOLS_VARIABLE_INDEX_H
#define SEEP_SYMBOLS_VARIABLE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

enum variable_space { SPACE_OF_MEMORY, SPACE_OF_THREADS, VARIABLE_SPACES };

struct variable {
	uint64_t start;
	Dwarf_Die die;
	Dwarf_Die function; /* that it is a static of; its addr is null where it is of none */
	bool has_scopes;    /* names are nested, see struct unit */
};

struct variable_index;

/* Reads nothing yet. Null without memory. */
struct variable_index *variable_index_new(Dwarf *dwarf);
void variable_index_free(struct variable_index *index);

/* Stores at most `capacity` variables that cover `address` and returns their number: several where the
 * debug information has the same one more than once, or where the linker has thrown others away. */
size_t variable_index_find(struct variable_index *index, enum variable_space space,
			   uint64_t address, struct variable *found, size_t capacity);

#endif
