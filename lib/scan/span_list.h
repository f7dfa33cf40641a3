/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span_list: ranges of addresses as they are met, which become memory_spans.
 */
#ifndef LIB_SCAN_SPAN_LIST_H
#define LIB_SCAN_SPAN_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/memory_spans.h"
#include "lib/scan/scan_memory.h"

struct span_list {
	struct memory_span *spans;
	uint32_t count, room;
	bool is_failed; /* no memory: some are missing */
};

/* Nothing is added where `start` is not before `end`. What fails sticks. */
void span_list_add(struct span_list *list, struct scan_memory *memory, uint64_t start,
		   uint64_t end);

/* Sorts them and joins what overlaps or touches. */
struct memory_spans span_list_join(struct span_list *list);

void span_list_release(struct span_list *list, struct scan_memory *memory);

#endif
