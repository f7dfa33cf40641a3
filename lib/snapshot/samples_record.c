/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples_record: what the estimates of a snapshot rest on, as a record of the file.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    a buffer
 *   Calls     mmap
 *   Failure   the payload says that it failed, and the snapshot does without
 */
#include "lib/snapshot/samples_record.h"

#include <stddef.h>
#include <string.h>

#include "lib/record/sample_weight.h"
#include "lib/record/thread_state.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

/* The square root of a variance in 2^-SAMPLE_BLOCK_BITS, rounded. */
static uint64_t deviation(unsigned __int128 variance)
{
	unsigned __int128 square = (variance << 2) >> SAMPLE_BLOCK_BITS; /* of twice the root */
	uint64_t root = 0;

	for (uint64_t bit = 1ull << 63; bit != 0; bit >>= 1)
		if ((unsigned __int128)(root | bit) * (root | bit) <= square)
			root |= bit;
	return (root + 1) / 2;
}

struct buffer samples_record_payload(const struct site_totals *totals, uint32_t number)
{
	struct seep_samples head = {
		.struct_bytes = sizeof(head),
		.snapshot = number,
		.live_samples = totals->all_samples.count,
		.samples = thread_state_sum(COUNT_ALLOCATIONS),
		.blocks_error = deviation(totals->all_samples.blocks_variance),
		.bytes_error = deviation(totals->all_samples.bytes_variance),
	};
	struct buffer payload = {0};
	uint32_t last = 0;

	if (totals->samples == NULL)
		return payload;
	buffer_add(&payload, &head, sizeof(head));
	for (uint32_t stack = 1; stack < totals->stack_count; stack++) {
		const struct site_samples *samples = &totals->samples[stack];

		if (samples->count == 0)
			continue;
		buffer_add_varint(&payload, stack - last);
		buffer_add_varint(&payload, samples->count);
		buffer_add_varint(&payload, deviation(samples->blocks_variance));
		buffer_add_varint(&payload, deviation(samples->bytes_variance));
		last = stack;
		head.site_count++;
	}
	if (!payload.is_failed)
		memcpy(payload.start, &head, sizeof(head));
	return payload;
}
