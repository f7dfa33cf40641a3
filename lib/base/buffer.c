/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer: bytes that grow, for the payload of a record.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none
 *   Memory    region, doubled when full
 *   Calls     mmap, munmap
 *   Failure   is_failed
 */
#include "lib/base/buffer.h"

#include <string.h>

#include "lib/base/invariant.h"
#include "lib/base/scratch.h"

#include "lib/base/poison.h"

#define FIRST_BYTES (64u << 10)

bool buffer_reserve(struct buffer *buffer, size_t bytes)
{
	size_t room = buffer->room == 0 ? FIRST_BYTES : buffer->room;
	uint8_t *larger;

	INVARIANT(buffer->bytes <= buffer->room, buffer->bytes, buffer->room);
	INVARIANT((buffer->start == NULL) == (buffer->room == 0), buffer->start, buffer->room);
	if (buffer->is_failed || buffer->room - buffer->bytes >= bytes)
		return !buffer->is_failed;
	while (room - buffer->bytes < bytes)
		room *= 2;
	larger = scratch_map(room);
	if (larger == NULL) {
		buffer->is_failed = true;
		return false;
	}
	if (buffer->start != NULL) {
		memcpy(larger, buffer->start, buffer->bytes);
		scratch_unmap(buffer->start, buffer->room);
	}
	buffer->start = larger;
	buffer->room = room;
	return true;
}

void buffer_add(struct buffer *buffer, const void *data, size_t bytes)
{
	if (!buffer_reserve(buffer, bytes))
		return;
	memcpy(buffer->start + buffer->bytes, data, bytes);
	buffer->bytes += bytes;
}

void buffer_add_varint(struct buffer *buffer, uint64_t value)
{
	if (!buffer_reserve(buffer, 10))
		return;
	for (; value >= 0x80; value >>= 7)
		buffer->start[buffer->bytes++] = (uint8_t)(value | 0x80);
	buffer->start[buffer->bytes++] = (uint8_t)value;
}

void buffer_pad(struct buffer *buffer, size_t alignment)
{
	static const uint8_t zeros[16];

	if (buffer->bytes % alignment != 0)
		buffer_add(buffer, zeros, alignment - buffer->bytes % alignment);
}

void buffer_release(struct buffer *buffer)
{
	if (buffer->start != NULL)
		scratch_unmap(buffer->start, buffer->room);
	*buffer = (struct buffer){0};
}
