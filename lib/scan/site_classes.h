/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_classes: how many blocks and bytes of each site are lost, possibly lost and reachable.
 */
#ifndef LIB_SCAN_SITE_CLASSES_H
#define LIB_SCAN_SITE_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/block_index.h"
#include "lib/scan/payload.h"
#include "lib/scan/scan_memory.h"
#include "lib/scan/site_numbers.h"
#include "seep/snapshot_format.h"

struct class_sum {
	uint64_t blocks, bytes;
};

/* Of one site. */
struct site_class {
	struct class_sum definitely, indirectly, possibly, reachable;
	struct class_sum under; /* of any site, that hang under the definitely lost ones of this */
	uint64_t head_stack;	/* one under whose blocks some of this site hang; 0: none */
};

struct site_classes {
	const struct site_numbers *numbers;
	struct site_class *sites; /* by number */
};

/* False when there is no memory. */
bool site_classes_start(struct site_classes *classes, struct scan_memory *memory,
			const struct site_numbers *numbers);
void site_classes_release(struct site_classes *classes, struct scan_memory *memory);

static inline struct site_class *site_classes_get(const struct site_classes *classes,
						  uint32_t stack)
{
	return &classes->sites[site_numbers_get(classes->numbers, stack)];
}

/* Adds a block that is reached. */
static inline void site_classes_add_reached(struct site_classes *classes,
					    const struct indexed_block *block)
{
	struct class_sum *sum = &site_classes_get(classes, block->stack)->reachable;

	sum->blocks++;
	sum->bytes += block->bytes;
}

/* Adds up by their marks all blocks that are not reached and were born in the epoch or later (0: whenever they
 * were); none of them is only seen or a leader any more. */
void site_classes_take_others(struct site_classes *classes, struct block_index *index,
			      uint32_t since_epoch);

/* Notes a block that hangs under a head. */
void site_classes_note_under(struct site_classes *classes, const struct block_index *index,
			     block_ref head, block_ref ref);

/* The payload of SEEP_RECORD_SCAN, with the sums over all sites put into `head`. */
struct payload site_classes_record(const struct site_classes *classes, struct scan_memory *memory,
				   struct seep_scan *head);

#endif
