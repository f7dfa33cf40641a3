/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free: memory that is given back by another family than the one that it is from (new and free, malloc
 * and delete, new[] and delete), and the free that has ended the program.
 */
#ifndef SEEP_MODEL_WRONG_FREE_H
#define SEEP_MODEL_WRONG_FREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/report.h"

/* One place that allocates, and one that frees. Of the sites only profile, stack, frames and id mean something;
 * the frames are always there, unless something else is said. The id of the one that frees is that of both,
 * and somebody may have said that it is known: freed.suppression. */
struct wrong_free {
	struct report_site allocated, freed;
	const char *allocator; /* a symbol that allocator_family knows, as freed.freed_with is; null
				* where `fatal` is not */
	uint64_t samples;      /* frees that were seen; there may be 256 times as many */
	/* Where that has ended the program; else null. `allocated` is the live block that it lies
	 * in; without frames where it lies in none. */
	const struct fatal_free *fatal;
};

/* Makes room in report->wrong_frees, which belongs to the report; zeroed. Null without memory. */
struct wrong_free *wrong_frees_add(struct report *report);

/* Gives it its id, of the frames that call the allocator (where it is known) and what frees, by index. */
void wrong_free_identify(struct wrong_free *wrong, size_t allocating_frame, size_t freeing_frame);

/* "allocated with new[], freed with free"; "free(): invalid pointer, 64 bytes into a block of 400 bytes" */
#define WRONG_FREE_BYTES 208
void wrong_free_text(const struct wrong_free *wrong, char text[WRONG_FREE_BYTES]);

/* How many of a report nobody says are known. */
size_t wrong_frees_count(const struct report *report);

#endif
