/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global_names: what the variable is called that lies at an address of one module.
 */
#ifndef SEEP_SYMBOLS_GLOBAL_NAMES_H
#define SEEP_SYMBOLS_GLOBAL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/symbols/variable_index.h"

struct global_names;
struct module_debug;
struct text_pool;

struct global_name {
	/* "g_server.sessions.table[…]", "ns::Registry::all"; null where unknown */
	const char *name;
	const char *function; /* that it is a static of, where that is known; else null */
	const char *file;     /* that it is declared in; null where unknown */
	const char *section;  /* without a name: ".data"; null where that is not known either */
	uint64_t section_offset;
};

/* Texts live in `pool`; `debug` must live as long as the result. Reads nothing yet. Null without
 * memory. */
struct global_names *global_names_new(struct module_debug *debug, struct text_pool *pool);
void global_names_free(struct global_names *names);

/* The variable at `address`, as the ELF file counts, or at that offset of its TLS segment. */
struct global_name global_names_find(struct global_names *names, enum variable_space space,
				     uint64_t address);

#endif
