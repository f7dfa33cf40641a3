/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_lines: function, file and line of an address in one module, inlined frames included.
 */
#ifndef SEEP_SYMBOLS_ADDRESS_LINES_H
#define SEEP_SYMBOLS_ADDRESS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_lines;
struct module_debug;
struct text_pool;

struct source_frame {
	const char *function;	  /* null where unknown */
	const char *linkage_name; /* mangled; null where it is not */
	const char *file;	  /* null where unknown */
	int line;		  /* 0 where unknown */
	bool is_inlined;	  /* into the next frame */
};

/* Texts live in `pool`; `debug` must live as long as the result. Reads nothing yet. Null without
 * memory. */
struct address_lines *address_lines_new(struct module_debug *debug, struct text_pool *pool);
void address_lines_free(struct address_lines *lines);

/* Stores at most `capacity` frames of `address` (as the ELF file counts), innermost first, and
 * returns their number, at least 1: an unknown address is one frame without function. Where there
 * are more, outer inlined ones are left out. */
size_t address_lines_find(struct address_lines *lines, uint64_t address,
			  struct source_frame *frames, size_t capacity);

/* Whether the module turned out to have debug information; false before the first address. */
bool address_lines_has_debug_info(const struct address_lines *lines);

#endif
