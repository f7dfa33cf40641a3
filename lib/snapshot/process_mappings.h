/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_mappings: what /proc/PID/maps says, mapping by mapping.
 */
#ifndef LIB_SNAPSHOT_PROCESS_MAPPINGS_H
#define LIB_SNAPSHOT_PROCESS_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

enum mapping_kind {
	MAPPING_OTHER, /* a file's, shared, not writable, or a thread's stack that is called so */
	MAPPING_ANONYMOUS, /* private, writable and no file's */
	MAPPING_BRK,	   /* the same, between the first and the present program break */
};

struct process_mapping {
	uint64_t start, end;
	enum mapping_kind kind;
	bool is_readable, is_writable, is_executable, is_private;
	const char *name; /* its beginning, during the visit; "": it has none */
};

/* Called in rising order of addresses; false ends the walk. */
typedef bool process_mapping_visitor(const struct process_mapping *mapping, void *context);

/* False when the file cannot be read, or the visitor has ended the walk. The kernel locks the list of
 * mappings for a few dozen of them at a time; what the program changes meanwhile is seen or not, and no
 * address is seen twice. */
bool process_mappings_walk(const char *path, process_mapping_visitor *visit, void *context);

#endif
