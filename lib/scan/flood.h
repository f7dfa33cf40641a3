/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood: from some blocks, or from the roots, to all that can be reached from them.
 *
 * What a pointer does to the mark of the block that it points to is the flood's rule. A block that is
 * given a mark that spreads is read in its turn, once, for pointers to others. Blocks come in the order
 * of their distance from where the flood began: first all that can be reached from variables, then what
 * only stacks lead to, then registers, and so on.
 */
#ifndef LIB_SCAN_FLOOD_H
#define LIB_SCAN_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/block_index.h"
#include "lib/scan/block_queue.h"
#include "lib/scan/memory_spans.h"
#include "lib/scan/root_list.h"
#include "lib/scan/site_classes.h"

struct flood_rule {
	/* By the mark that the block has: the mark that a pointer to its start gives it, and any other
	 * pointer into it. */
	uint8_t by_start[MARK_LIMIT], by_interior[MARK_LIMIT];
	/* 1 << mark of those that are read. */
	uint32_t spreads;
	/* Some pointers into a block are as good as one to its start. */
	bool knows_interiors;
	/* A block is as long as malloc has made it, and not as short as the program has asked for. */
	bool reads_spare;
};

/* From what the program can get at: what is reached by nothing but an interior pointer is only seen. */
extern const struct flood_rule flood_reached;
/* From what was only seen: everything else that can be reached from there is possibly lost, too. */
extern const struct flood_rule flood_possible;

/* A pointer that was found and waits until what it is compared with has come into the caches. */
struct flood_pointer {
	uint64_t value;
	struct block_path from;
};
#define FLOOD_WAITING 32u

struct flood {
	struct block_index *index;
	struct memory_spans constants;
	const struct flood_rule *rule;
	struct block_queue queue;
	struct flood_pointer waiting[FLOOD_WAITING];
	uint32_t first_waiting, waiting_count;
	uint64_t block_bytes, root_bytes; /* that were read */
	/* Where each block that is reached is added up, if not null. */
	struct site_classes *classes;
	int64_t page_map; /* descriptor of /proc/self/pagemap, or negative */
	/* Called for each block that gets a mark that spreads, if not null. */
	indexed_block_visitor *note;
	void *note_context;
};

/* False when there is no memory; finish it in any case. */
bool flood_start(struct flood *flood, struct block_index *index, struct memory_spans constants,
		 bool keeps_paths);
void flood_finish(struct flood *flood);

/* From all roots. False when there is no memory. */
bool flood_from_roots(struct flood *flood, const struct root_list *roots);

/* From one block, which is given the mark. False when there is no memory. */
bool flood_from_block(struct flood *flood, block_ref ref, enum block_mark mark);

#endif
