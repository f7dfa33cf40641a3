/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload: bytes that grow in the memory of a scan.
 *
 * A failure to grow sticks: everything added later is dropped and `is_failed` says so at the end.
 */
#ifndef LIB_SCAN_PAYLOAD_H
#define LIB_SCAN_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/scan_memory.h"

struct payload {
	uint8_t *start;
	uint64_t bytes, room;
	bool is_failed;
};

void payload_add(struct payload *payload, struct scan_memory *memory, const void *data,
		 uint64_t bytes);
void payload_add_varint(struct payload *payload, struct scan_memory *memory, uint64_t value);
void payload_release(struct payload *payload, struct scan_memory *memory);

/* The next number, from *place on, which moves behind it; 0 where there is none. */
uint64_t payload_take_varint(const struct payload *payload, uint64_t *place);

#endif
