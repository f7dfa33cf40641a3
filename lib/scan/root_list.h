/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_list: all memory that the program can get at without going through a block.
 *
 * Put together in the copy of the process, before anything is marked, from its mappings, modules and
 * threads. The ranges do not overlap and are sorted by address, but for registers, whose words lie in
 * our own memory.
 */
#ifndef LIB_SCAN_ROOT_LIST_H
#define LIB_SCAN_ROOT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

/* What the words from `start` up to `end` are. Both are multiples of 8. */
struct root {
	uint64_t start, end;
	enum seep_root_kind kind;
	uint32_t thread; /* index in the list of threads; ROOT_OF_NONE */
	uint32_t module; /* id in the module list; ROOT_OF_NONE */
	uint64_t offset; /* of `start` in what it is a part of, as in seep_root.offset */
	const char *name;
};

#define ROOT_OF_NONE UINT32_MAX

struct root_list {
	struct root *roots;
	uint32_t count, room;
};

#endif
