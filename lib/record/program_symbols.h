/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_symbols: where functions of the program are, also those that it does not export.
 */
#ifndef LIB_RECORD_PROGRAM_SYMBOLS_H
#define LIB_RECORD_PROGRAM_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that is looked for: it is called like this behind a prefix. */
struct program_function {
	const char *name;
	uintptr_t addr; /* 0: there is none, or there are several */
};

/* False where the program's file cannot be read. */
bool program_symbols_find(const char *prefix, struct program_function *functions, size_t count);

#endif
