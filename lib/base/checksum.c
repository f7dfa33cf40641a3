/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum: CRC-32, reflected polynomial 0xedb88320, eight bytes at a time.
 *
 * zlib is what the tool uses; here it would be a run-time dependency of every watched program.
 * "Slicing by eight": Kounavis and Berry, "A Systematic Approach to Building High Performance,
 * Software-based, CRC Generators", ISCC 2005.
 *
 *   Runs in   whoever writes a snapshot
 *   Locks     none
 *   Memory    static tables of 8 KiB, filled at first use (twice by two threads gives the same)
 *   Calls     nothing
 *   Failure   none
 */
#include "lib/base/checksum.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/poison.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t tables[8][256];
static _Atomic(bool) is_ready;

static void fill_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t value = byte;

		for (int bit = 0; bit < 8; bit++)
			value = (value >> 1) ^ ((value & 1) ? POLYNOMIAL : 0);
		tables[0][byte] = value;
	}
	for (uint32_t byte = 0; byte < 256; byte++)
		for (int slice = 1; slice < 8; slice++)
			tables[slice][byte] = (tables[slice - 1][byte] >> 8) ^
					      tables[0][tables[slice - 1][byte] & 0xff];
	atomic_store_explicit(&is_ready, true, memory_order_release);
}

uint32_t checksum_add(uint32_t checksum, const void *data, size_t bytes)
{
	const uint8_t *next = data;
	uint32_t value = ~checksum;

	if (!atomic_load_explicit(&is_ready, memory_order_acquire))
		fill_tables();
	for (; bytes >= 8; bytes -= 8, next += 8) {
		value ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
			 (uint32_t)next[3] << 24;
		value = tables[7][value & 0xff] ^ tables[6][value >> 8 & 0xff] ^
			tables[5][value >> 16 & 0xff] ^ tables[4][value >> 24] ^
			tables[3][next[4]] ^ tables[2][next[5]] ^ tables[1][next[6]] ^
			tables[0][next[7]];
	}
	for (; bytes > 0; bytes--)
		value = (value >> 8) ^ tables[0][(value ^ *next++) & 0xff];
	return ~value;
}
