/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_layout: the mappings of the copy, and what each of them is.
 */
#ifndef LIB_SCAN_MEMORY_LAYOUT_H
#define LIB_SCAN_MEMORY_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/memory_spans.h"
#include "lib/scan/scan_memory.h"

#define LAID_NAME_BYTES 48u

struct laid_mapping {
	uint64_t start, end; /* where it would reach over the end of a module, it is two */
	uint32_t module;     /* id of the one that it lies in; ROOT_OF_NONE */
	bool is_readable, is_writable, is_executable, is_private;
	bool is_anonymous;	    /* private and no file's, whatever its rights */
	bool is_break;		    /* the program break's */
	bool is_main_stack;	    /* of the process's first thread */
	bool follows_guard;	    /* right before it lies memory that nobody may touch */
	char name[LAID_NAME_BYTES]; /* its beginning */
};

struct memory_layout {
	struct laid_mapping *mappings; /* in rising order */
	uint32_t count, room;
	struct memory_spans readable;  /* all that can be read */
	struct memory_spans constants; /* what modules have of it that is never written */
	uint32_t span_room;	       /* of each of both */
	uint32_t loader;	       /* the module that is the dynamic linker; ROOT_OF_NONE */
};

/* Reads it in the copy itself. What the program has written to and then made unreadable is made readable
 * in the copy. False when there is no memory or no /proc. */
bool memory_layout_read(struct memory_layout *layout, struct scan_memory *memory);
void memory_layout_release(struct memory_layout *layout, struct scan_memory *memory);

/* The mapping in which the address lies; null: none. */
const struct laid_mapping *memory_layout_find(const struct memory_layout *layout, uint64_t addr);

#endif
