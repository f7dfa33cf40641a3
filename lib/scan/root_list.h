/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_list: all memory that the program can get at without going through a block.
 *
 * Put together in the copy of the process, before anything is marked, from its mappings, modules and
 * threads. Ranges hold only pages that can be read, and do not overlap; registers are words in our own
 * memory.
 */
#ifndef LIB_SCAN_ROOT_LIST_H
#define LIB_SCAN_ROOT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/scan/scan_memory.h"
#include "seep/snapshot_format.h"

/* What the words from `start` up to `end` are. Both are multiples of 8. One of SEEP_ROOT_LOADER or
 * SEEP_ROOT_IGNORED whose `start` and `end` are the same address is the block that begins there, itself. */
struct root {
	uint64_t start, end;
	enum seep_root_kind kind;
	uint32_t thread;      /* index in the list of threads; ROOT_OF_NONE */
	uint32_t module;      /* id in the module list; ROOT_OF_NONE */
	uint64_t offset;      /* of `start` in what it is a part of, as in seep_root.offset */
	uint64_t whole_bytes; /* of a mapping: all of it, for this may be a part; else 0 */
	const char *name;
};

#define ROOT_OF_NONE UINT32_MAX

struct root_list {
	struct root *roots;
	uint32_t count, room;
	bool is_failed; /* no memory: some are missing */
	uint64_t bytes; /* of all ranges */
	/* Says more about the word at `addr` of a root than the root itself: *described has what the root
	 * says. May be null. */
	void (*describe)(const struct root_list *list, const struct root *root, uint64_t addr,
			 struct seep_root *described, const char **name);
	const void *context; /* for describe */
};

/* Adds a root; those without words are added only for blocks. What fails sticks. */
void root_list_add(struct root_list *list, struct scan_memory *memory, const struct root *root);

/* Adds of the root's range the pages that the program can have written to, save what lies in `holes`. */
struct memory_spans;
void root_list_add_pages(struct root_list *list, struct scan_memory *memory,
			 const struct root *root, bool is_private,
			 const struct memory_spans *holes);

void root_list_release(struct root_list *list, struct scan_memory *memory);

#endif
