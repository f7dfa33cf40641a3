/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data_type: how large a type of the debug information is, and what lies where in it.
 */
#ifndef SEEP_SYMBOLS_DATA_TYPE_H
#define SEEP_SYMBOLS_DATA_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

/* The type of a variable or member. False where it has none that is known. */
bool data_type_of(Dwarf_Die *die, Dwarf_Die *type);

/* False for a type that is only declared, and for an array without a length. */
bool data_type_bytes(const Dwarf_Die *type, uint64_t *bytes);

#define DATA_TYPE_PATH_BYTES 256

/* Writes which member of `type` lies `offset` bytes into it, to be put behind the name of a variable:
 * ".sessions.table[…]"; "" where nothing can be said. An index is never told: what is said of one
 * element of an array is said of all. Ends where the inner life of a language's own library begins, and
 * where a union leaves it open. */
void data_type_path(const Dwarf_Die *type, uint64_t offset, char text[DATA_TYPE_PATH_BYTES]);

#endif
