/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer: bytes that grow, for the payload of a record.
 *
 * A failure to grow sticks: everything added later is dropped and `is_failed` says so at the end,
 * so that a writer checks once.
 */
#ifndef LIB_BASE_BUFFER_H
#define LIB_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *start;
	size_t bytes, room;
	bool is_failed;
};

/* Makes room for `bytes` more; false when there is no memory. */
bool buffer_reserve(struct buffer *buffer, size_t bytes);
void buffer_add(struct buffer *buffer, const void *data, size_t bytes);
void buffer_add_varint(struct buffer *buffer, uint64_t value); /* LEB128 */
void buffer_pad(struct buffer *buffer, size_t alignment);
void buffer_release(struct buffer *buffer);

static inline uint64_t buffer_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

#endif
