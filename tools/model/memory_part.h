/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_part: the memory of a process, taken apart.
 *
 *     resident  =  requested  +  between  +  kept  +  outside  +  files  +  own
 *
 * as far as what was requested is resident. See the comments in struct seep_snapshot.
 */
#ifndef SEEP_MODEL_MEMORY_PART_H
#define SEEP_MODEL_MEMORY_PART_H

#include <stdbool.h>
#include <stdint.h>

struct seep_snapshot;

enum memory_part {
	PART_REQUESTED, /* live bytes of malloc and its family */
	PART_BETWEEN,	/* free on pages with live blocks, and what sizes are rounded up by */
	PART_KEPT,	/* whole pages that the allocators hold, resident without a live block */
	PART_OUTSIDE,	/* no file's and no allocator's: mappings, stacks, data */
	PART_FILES,	/* pages of files, and shared memory */
	PART_OWN,	/* seep's; the program would not have it */
	PART_RESIDENT,	/* all that is resident */
	PART_SWAPPED,
	/* Sums of those. */
	PART_LIVE_PAGES,    /* pages with live blocks */
	PART_HEAP_RESIDENT, /* what the allocators hold, as far as it is resident */
	PART_HEAP,	    /* all that they hold, of address space */
	/* What the verdict looks at. */
	PART_SCATTERED,	 /* of PART_BETWEEN: more than sizes are rounded up by */
	PART_ANONYMOUS,	 /* resident, but no file's and not seep's */
	PART_FILE_SPACE, /* address space of files and shared memory, touched or not */
	PART_COUNT
};

/* Never negative. Returns false where the snapshot does not say: in files of older versions, with
 * --sample, and where the kernel did not say. */
bool memory_part_of(const struct seep_snapshot *totals, enum memory_part part, uint64_t *bytes);

#endif
