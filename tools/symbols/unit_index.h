/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_index: which compilation unit and which function of the debug information cover an address.
 *
 * Addresses are those of the debug information (before libdwfl's bias). DIEs stay valid as long as
 * the Dwarf does.
 */
#ifndef SEEP_SYMBOLS_UNIT_INDEX_H
#define SEEP_SYMBOLS_UNIT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include <elfutils/libdw.h>

struct unit_index;

/* A compilation unit. `functions` and `has_scopes` are known after unit_find_function. */
struct unit {
	Dwarf_Die lines;     /* the DIE that has the line table */
	Dwarf_Die functions; /* the DIE that has the functions; another one with split DWARF */
	bool has_scopes;     /* names are nested in namespaces or classes: C++, Rust, D … */

	/* Private. */
	struct function_range *ranges; /* in rising order of start; null until asked for */
	size_t range_count;
	bool is_scanned;
};

/* Whether names are nested in the language of a unit. */
bool unit_language_has_scopes(Dwarf_Die *unit);

/* Null without memory. */
struct unit_index *unit_index_new(Dwarf *dwarf);
void unit_index_free(struct unit_index *index);

/* The unit that covers `address`, or null. */
struct unit *unit_index_find(struct unit_index *index, uint64_t address);

/* The innermost function (DW_TAG_subprogram) of `unit` that covers `address`. */
bool unit_find_function(struct unit *unit, uint64_t address, Dwarf_Die *function);

#endif
