/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pins_record: which sites keep free memory from being used otherwise, as a record of the file.
 *
 * Sites that pin less than a page are only part of the sum.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    a buffer; what site_pins needs meanwhile
 *   Calls     what site_pins calls
 *   Failure   the payload is empty or says that it failed, and the snapshot does without
 */
#include "lib/snapshot/pins_record.h"

#include <stddef.h>
#include <string.h>

#include "lib/snapshot/site_pins.h"
#include "lib/snapshot/snapshot_reason.h"

#include "lib/base/poison.h"

static struct buffer payload_of(const struct site_pins *pins, uint32_t snapshot)
{
	struct seep_pins head = {.struct_bytes = sizeof(head), .snapshot = snapshot};
	struct buffer payload = {0};
	uint64_t all_parts = 0;
	uint32_t last = 0;

	if (pins->is_failed)
		return payload;
	buffer_add(&payload, &head, sizeof(head));
	for (uint32_t stack = 1; stack < pins->stack_count; stack++) {
		uint64_t bytes = pins->parts[stack] >> SITE_PINS_PART_BITS;

		all_parts += pins->parts[stack];
		if (bytes < PAGE_FILL_BYTES)
			continue;
		buffer_add_varint(&payload, stack - last);
		buffer_add_varint(&payload, bytes);
		last = stack;
		head.site_count++;
	}
	head.pinned_bytes = all_parts >> SITE_PINS_PART_BITS;
	if (!payload.is_failed)
		memcpy(payload.start, &head, sizeof(head));
	return payload;
}

struct buffer pins_record_payload(const struct site_totals *totals, uint32_t number,
				  enum seep_snapshot_reason reason)
{
	struct site_pins pins;
	struct buffer payload = {0};

	if (!snapshot_reason_is_last(reason) && !site_pins_are_due())
		return payload;
	site_pins_take(&pins, &totals->fill, totals->stack_count);
	payload = payload_of(&pins, number);
	site_pins_release(&pins);
	return payload;
}
