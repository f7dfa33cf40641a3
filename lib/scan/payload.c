/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload: bytes that grow in the memory of a scan.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory, doubled when full
 *   Calls     what scan_memory calls
 *   Failure   is_failed
 */
#include "lib/scan/payload.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/invariant.h"

#include "lib/base/poison.h"

#define FIRST_BYTES (64u << 10)

static bool reserve(struct payload *payload, struct scan_memory *memory, uint64_t bytes)
{
	uint64_t room = payload->room == 0 ? FIRST_BYTES : payload->room;
	uint8_t *larger;

	INVARIANT(payload->bytes <= payload->room, payload->bytes, payload->room);
	if (payload->is_failed || payload->room - payload->bytes >= bytes)
		return !payload->is_failed;
	while (room - payload->bytes < bytes)
		room *= 2;
	larger = scan_memory_map(memory, room);
	if (larger == NULL) {
		payload->is_failed = true;
		return false;
	}
	if (payload->bytes > 0)
		memcpy(larger, payload->start, payload->bytes);
	scan_memory_unmap(memory, payload->start, payload->room);
	payload->start = larger;
	payload->room = room;
	return true;
}

void payload_add(struct payload *payload, struct scan_memory *memory, const void *data,
		 uint64_t bytes)
{
	if (bytes == 0 || !reserve(payload, memory, bytes))
		return;
	memcpy(payload->start + payload->bytes, data, bytes);
	payload->bytes += bytes;
}

void payload_add_varint(struct payload *payload, struct scan_memory *memory, uint64_t value)
{
	if (!reserve(payload, memory, 10))
		return;
	for (; value >= 0x80; value >>= 7)
		payload->start[payload->bytes++] = (uint8_t)(value | 0x80);
	payload->start[payload->bytes++] = (uint8_t)value;
}

uint64_t payload_take_varint(const struct payload *payload, uint64_t *place)
{
	uint64_t value = 0;

	for (uint32_t shift = 0; *place < payload->bytes && shift < 64; shift += 7) {
		uint8_t byte = payload->start[(*place)++];

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	return 0;
}

void payload_release(struct payload *payload, struct scan_memory *memory)
{
	scan_memory_unmap(memory, payload->start, payload->room);
	*payload = (struct payload){0};
}
