/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_answer: which live blocks can be reached from the roots, and by whom they are held: the whole
 * work of the copy of a process, from its memory to the payloads of the records.
 */
#ifndef LIB_SCAN_SCAN_ANSWER_H
#define LIB_SCAN_SCAN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/scan/memory_spans.h"
#include "lib/scan/payload.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"
#include "seep/snapshot_format.h"

/* While a program runs, what is lost must be so in two scans; where nothing is, the first one says it all. */
enum scan_turn { SCAN_ONLY, SCAN_FIRST, SCAN_SECOND };

struct scan_question {
	enum scan_turn turn;
	const struct root_list *roots;
	/* All that can be read. A block that lies elsewhere, even in part, is not read: its free was not
	 * seen, or the kernel was told not to copy it. */
	struct memory_spans readable;
	/* Where modules have data that nobody writes, such as the tables of virtual functions. */
	struct memory_spans constants;
	uint32_t stack_count;  /* of the call tree */
	uint32_t before_epoch; /* blocks born in it or later are too young to be lost; 0: none is */
	uint32_t since_epoch;  /* only what was born in it or later is told, and only of what is not
				* reached; 0: all */
	uint32_t unread_threads; /* whose registers are not among the roots */
	bool is_blind;		 /* other roots are missing, nobody knows how many */
	bool wants_holders;
	struct payload seen_lost; /* by the first scan, for the second: its answer's `lost` */
	uint64_t seed;		  /* of the sample of blocks that holders are named of */
};

/* Payloads lie in memory of the scan; release them. */
struct scan_answer {
	struct payload scan; /* of SEEP_RECORD_SCAN; what is not known here is 0 in its head */
	/* of SEEP_RECORD_HOLDERS; empty: not asked for, or no memory for it */
	struct payload holders;
	/* what a first scan found lost, and then nothing else is here: for the second */
	struct payload lost;
};

/* With SEEP_SCAN_DONE all is in the answer, otherwise it is empty. */
enum seep_scan_outcome scan_answer_find(const struct scan_question *question,
					struct scan_memory *memory, struct scan_answer *answer);
void scan_answer_release(struct scan_answer *answer, struct scan_memory *memory);

#endif
