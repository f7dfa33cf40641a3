/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_shapes: by which ways the program holds the blocks of a site, or of several together.
 *
 * A scan tells the path to each of some hundred blocks; what a reader wants to know is what these paths
 * have in common. Paths of one shape are put together here: from the same root through blocks of the same
 * sites. What only symbols can tell is alike (two elements of one array) is put together by whoever
 * writes it.
 */
#ifndef SEEP_MODEL_HOLDER_SHAPES_H
#define SEEP_MODEL_HOLDER_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct frame;
struct profile;
struct report_site;
struct site;

/* From so many different places in the blocks of a site on, that is a table. */
#define SHAPE_PLACES_MAX 8

/* Blocks of one site on the way. A way that comes back to a site, as that through a tree of two kinds of
 * nodes does, is cut short: its blocks are then as many. */
struct shape_step {
	uint32_t stack;	      /* 0: blocks of sites that are not told */
	uint64_t least, most; /* so many of them one after the other, over all paths */
	/* where in them the next pointer was found, without doubles */
	uint64_t places[SHAPE_PLACES_MAX];
	size_t place_count;
	const struct frame *frame; /* who allocates them; null until symbols have been filled in */
};

struct holder_shape {
	uint32_t root; /* index into profile->holders->roots */
	double share; /* of all blocks that were drawn; of several sites weighed by their live blocks */
	struct shape_step *steps; /* from the root to the block, none of the sites themselves */
	size_t step_count;
	uint64_t own_most; /* other blocks of the sites themselves at the end of the way, at most */
	/* another site on the way that is flagged or grows, the one next to the root; null where
	 * there is none */
	const struct report_site *through;
};

struct holder_shapes {
	struct holder_shape *shapes; /* the largest share first; null where no scan told of it */
	size_t count;
};

/* What a root is called; null texts where it is not known, or not a variable. */
struct holder_place {
	bool is_resolved;     /* symbols have looked at it */
	const char *name;     /* "g_server.sessions.table[…]" */
	const char *function; /* that it is a static of */
	const char *file;     /* that it is declared in */
	const char *section;  /* without a name: ".data" */
	uint64_t section_offset;
	/* of a stack: the function that runs there, as far out as is known */
	const struct frame *frame;
};

/* As the newest scan at or before snapshot index `last` has it. Memory is taken from `arena`; false where
 * there is none. */
bool holder_shapes_make(struct holder_shapes *shapes, const struct profile *profile,
			const struct site *const *sites, size_t site_count, size_t last,
			struct arena *arena);

#endif
