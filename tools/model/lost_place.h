/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_place: which lost sites are what one place allocates and nobody frees.
 *
 * A library that forgets to free what it allocates loses it for all of its callers: one mistake, and as many
 * sites as there are ways to call it. What they share are their innermost frames, up to the function that
 * others call. Where another caller has freed what he got from there, each of those who have not has made
 * his own mistake, and more frames are asked, up to four, as Valgrind does with --leak-resolution=med.
 */
#ifndef SEEP_MODEL_LOST_PLACE_H
#define SEEP_MODEL_LOST_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;

struct lost_site {
	uint32_t stack;	  /* of a site that has lost something */
	uint32_t skipped; /* so many of its innermost frames only allocate for somebody else */
	/* The first of those with the same place, itself where there is none before it. */
	size_t leader;
	/* innermost frames that the place has; 0: of all that have those some is freed, or can
	 * still be reached */
	uint32_t depth;
};

/* By the scan that tells of snapshot index `last`. Returns false without memory. */
bool lost_place_find(const struct profile *profile, size_t last, struct lost_site *sites,
		     size_t count);

/* So many innermost frames of the stack are the run-time's; those of strdup and operator new. */
uint32_t lost_place_runtime_frames(const struct profile *profile, uint32_t stack);

#endif
