/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unseen_memory: what a program of a run allocates that no snapshot of it knows of.
 *
 * A report that finds nothing must not look as if there were nothing, where the program takes its
 * memory from an allocator of its own.
 */
#ifndef SEEP_COMMANDS_UNSEEN_MEMORY_H
#define SEEP_COMMANDS_UNSEEN_MEMORY_H

#include <stdbool.h>

struct profile;

#define UNSEEN_MEMORY_BYTES 256

/* What follows a "but". False where nothing of the kind is known, or where nothing at all was seen, which
 * the report says by itself. Looks for the program's file on this machine, below `sysroot` (null: /). */
bool unseen_memory_describe(const struct profile *profile, const char *sysroot,
			    char text[UNSEEN_MEMORY_BYTES]);

#endif
