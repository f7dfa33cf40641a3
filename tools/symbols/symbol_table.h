/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol_table: which function or object of a module's ELF symbol tables covers an address.
 *
 * For code and data without debug information: all that a stripped module still says.
 */
#ifndef SEEP_SYMBOLS_SYMBOL_TABLE_H
#define SEEP_SYMBOLS_SYMBOL_TABLE_H

#include <stdint.h>

#include <elfutils/libdwfl.h>

struct symbol_table;

enum symbol_kind {
	SYMBOLS_OF_FUNCTIONS,
	SYMBOLS_OF_OBJECTS,	  /* variables */
	SYMBOLS_OF_THREAD_LOCALS, /* their address is the offset in the TLS segment */
};

/* Reads .symtab, .dynsym and .gnu_debugdata. Null without memory. Names belong to `module`. */
struct symbol_table *symbol_table_new(Dwfl_Module *module, enum symbol_kind kind);
void symbol_table_free(struct symbol_table *table);

/* The mangled name of what lies at `address` (as `module` counts addresses), or null. Where `start` is
 * not null it is told where that begins. */
const char *symbol_table_find(const struct symbol_table *table, uint64_t address, uint64_t *start);

#endif
