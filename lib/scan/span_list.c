/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span_list: ranges of addresses as they are met, which become memory_spans.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 16 bytes a range, and while it grows those of half as many
 *   Calls     nothing else
 *   Failure   is_failed
 */
#include "lib/scan/span_list.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/poison.h"

#define FIRST_ROOM 1024u

void span_list_add(struct span_list *list, struct scan_memory *memory, uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	if (!list->is_failed && list->count == list->room) {
		uint32_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
		struct memory_span *spans =
			room < list->room ? NULL : scan_memory_map(memory, room * sizeof(*spans));

		list->is_failed = spans == NULL;
		if (spans != NULL) {
			if (list->count > 0)
				memcpy(spans, list->spans, list->count * sizeof(*spans));
			scan_memory_unmap(memory, list->spans, list->room * sizeof(*spans));
			list->spans = spans;
			list->room = room;
		}
	}
	if (!list->is_failed)
		list->spans[list->count++] = (struct memory_span){start, end};
}

static void sift_down(struct memory_span *spans, uint32_t parent, uint32_t count)
{
	struct memory_span span = spans[parent];
	uint64_t child;

	while ((child = 2 * (uint64_t)parent + 1) < count) {
		if (child + 1 < count && spans[child + 1].start > spans[child].start)
			child++;
		if (spans[child].start <= span.start)
			break;
		spans[parent] = spans[child];
		parent = (uint32_t)child;
	}
	spans[parent] = span;
}

/* Heapsort: in place, and never slow. */
static void sort(struct memory_span *spans, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift_down(spans, i, count);
	for (uint32_t last = count; last-- > 1;) {
		struct memory_span largest = spans[0];

		spans[0] = spans[last];
		spans[last] = largest;
		sift_down(spans, 0, last);
	}
}

struct memory_spans span_list_join(struct span_list *list)
{
	uint32_t joined = 0;

	sort(list->spans, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		struct memory_span *last = joined == 0 ? NULL : &list->spans[joined - 1];

		if (last == NULL || list->spans[i].start > last->end)
			list->spans[joined++] = list->spans[i];
		else if (list->spans[i].end > last->end)
			last->end = list->spans[i].end;
	}
	list->count = joined;
	return (struct memory_spans){.spans = list->spans, .count = joined};
}

void span_list_release(struct span_list *list, struct scan_memory *memory)
{
	scan_memory_unmap(memory, list->spans, list->room * sizeof(*list->spans));
	*list = (struct span_list){0};
}
