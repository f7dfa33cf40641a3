/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_cursor: a place in the bytes of .eh_frame, and the numbers that are written there.
 *
 * Running over the end sets `is_bad` and gives zeros, so a reader may look once, when it is done.
 */
#ifndef LIB_RECORD_CFI_CURSOR_H
#define LIB_RECORD_CFI_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cfi_cursor {
	const uint8_t *next, *end;
	bool is_bad;
};

static inline const uint8_t *cfi_cursor_take(struct cfi_cursor *cursor, uint64_t bytes)
{
	static const uint8_t zeros[8];
	const uint8_t *start = cursor->next;

	if (bytes > (uint64_t)(cursor->end - cursor->next)) {
		cursor->is_bad = true;
		cursor->next = cursor->end;
		return zeros;
	}
	cursor->next += bytes;
	return start;
}

static inline uint8_t cfi_cursor_byte(struct cfi_cursor *cursor)
{
	return *cfi_cursor_take(cursor, 1);
}

/* A number as it lies in memory; `type` has at most 8 bytes. */
#define CFI_CURSOR_AS(type, cursor)                                                                \
	({                                                                                         \
		type value_;                                                                       \
		memcpy(&value_, cfi_cursor_take(cursor, sizeof(type)), sizeof(type));              \
		value_;                                                                            \
	})

/* With a sign the last byte's highest bit is that of all that follow. */
static inline uint64_t cfi_cursor_leb(struct cfi_cursor *cursor, bool has_sign)
{
	uint64_t value = 0;
	uint8_t byte;
	int shift = 0;

	do {
		byte = cfi_cursor_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (has_sign && shift < 64 && (byte & 0x40))
		value |= ~0ull << shift;
	return value;
}

static inline uint64_t cfi_cursor_uleb(struct cfi_cursor *cursor)
{
	return cfi_cursor_leb(cursor, false);
}

static inline int64_t cfi_cursor_sleb(struct cfi_cursor *cursor)
{
	return (int64_t)cfi_cursor_leb(cursor, true);
}

#endif
