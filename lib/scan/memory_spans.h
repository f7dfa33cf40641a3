/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_spans: ranges of addresses, sorted and apart from each other.
 */
#ifndef LIB_SCAN_MEMORY_SPANS_H
#define LIB_SCAN_MEMORY_SPANS_H

#include <stdbool.h>
#include <stdint.h>

struct memory_span {
	uint64_t start, end;
};

struct memory_spans {
	const struct memory_span *spans;
	uint32_t count;
};

/* The span in which the address lies, or null. */
static inline const struct memory_span *memory_spans_find(const struct memory_spans *spans,
							  uint64_t addr)
{
	uint32_t low = 0, high = spans->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (spans->spans[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < spans->count && spans->spans[low].start <= addr ? &spans->spans[low] : 0;
}

/* Whether all of the `bytes` bytes lie in spans, which may follow each other without a gap. */
static inline bool memory_spans_cover(const struct memory_spans *spans, uint64_t addr,
				      uint64_t bytes)
{
	const struct memory_span *span = memory_spans_find(spans, addr);

	if (span == 0 || addr + bytes < addr)
		return false;
	while (span->end - addr < bytes) {
		const struct memory_span *next = span + 1;

		if (next == spans->spans + spans->count || next->start != span->end)
			return false;
		bytes -= span->end - addr;
		addr = span->end;
		span = next;
	}
	return true;
}

#endif
