/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_paths: by what a sample of the blocks of each site is held: the shortest paths from a root to
 * them, equal ones put together.
 */
#ifndef LIB_SCAN_HOLDER_PATHS_H
#define LIB_SCAN_HOLDER_PATHS_H

#include <stdint.h>

#include "lib/scan/block_index.h"
#include "lib/scan/block_queue.h"
#include "lib/scan/payload.h"
#include "lib/scan/root_list.h"
#include "lib/scan/site_classes.h"

struct holder_question {
	const struct block_queue *queue; /* with everything that is reachable */
	const struct block_index *index;
	const struct site_classes *classes; /* of these blocks */
	const struct root_list *roots;
	uint64_t seed;
	uint64_t most_bytes; /* of the record */
};

/* The payload of SEEP_RECORD_HOLDERS; empty where the queue keeps no paths or there is no memory. */
struct payload holder_paths_record(const struct holder_question *question,
				   struct scan_memory *memory);

#endif
