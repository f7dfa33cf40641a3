/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol_table: which function of a module's ELF symbol tables covers an address.
 *
 * For code without debug information: all that a stripped module still says.
 */
#ifndef SEEP_SYMBOLS_SYMBOL_TABLE_H
#define SEEP_SYMBOLS_SYMBOL_TABLE_H

#include <stdint.h>

#include <elfutils/libdwfl.h>

struct symbol_table;

/* Reads .symtab, .dynsym and .gnu_debugdata. Null without memory. Names belong to `module`. */
struct symbol_table *symbol_table_new(Dwfl_Module *module);
void symbol_table_free(struct symbol_table *table);

/* The mangled name of the function at `address` (as `module` counts addresses), or null. */
const char *symbol_table_find(const struct symbol_table *table, uint64_t address);

#endif
