/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: memory for the duration of one snapshot, kept for the next one when that comes soon.
 *
 * Sizes are powers of two, so that what grows a little from snapshot to snapshot fits again. A kept
 * piece is one word in the row of its size, so a child forked at any moment finds it whole or not
 * at all.
 *
 *   Runs in   whoever takes a snapshot: the helper, or a thread of the target
 *   Locks     none
 *   Memory    region; at most four times what the snapshots since scratch_forget needed
 *   Calls     what region calls
 *   Failure   null
 */
#include "lib/base/scratch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/invariant.h"
#include "lib/base/region.h"

#include "lib/base/poison.h"

#define SMALLEST_BYTES ((size_t)64 << 10)
#define SIZES 24u /* up to 512 GiB */
#define PIECES_MAX 4u

static _Atomic(uintptr_t) kept[SIZES][PIECES_MAX]; /* 0: none */

static uint32_t size_of(size_t bytes)
{
	uint32_t size = 0;

	while (SMALLEST_BYTES << size < bytes)
		size++;
	return size;
}

/* A piece is as large as its row says, as far as the list of regions knows. */
static bool is_of_size(const void *start, uint32_t size)
{
	size_t bytes = region_bytes_at(start);

	return bytes == 0 || bytes == SMALLEST_BYTES << size;
}

void *scratch_map(size_t bytes)
{
	uint32_t size = size_of(bytes);

	for (uint32_t i = 0; size < SIZES && i < PIECES_MAX; i++) {
		void *start = (void *)atomic_exchange(&kept[size][i], 0);

		if (start == NULL)
			continue;
		INVARIANT(is_of_size(start, size), region_bytes_at(start), bytes);
		return memset(start, 0, bytes);
	}
	return region_map(SMALLEST_BYTES << size, REGION_KEPT_ON_FORK);
}

void scratch_unmap(void *start, size_t bytes)
{
	uint32_t size = size_of(bytes);

	INVARIANT(is_of_size(start, size), region_bytes_at(start), bytes);
	for (uint32_t i = 0; size < SIZES && i < PIECES_MAX; i++) {
		uintptr_t none = 0;

		INVARIANT(atomic_load(&kept[size][i]) != (uintptr_t)start, start, bytes);

		if (atomic_compare_exchange_strong(&kept[size][i], &none, (uintptr_t)start))
			return;
	}
	region_unmap(start, SMALLEST_BYTES << size);
}

void scratch_forget(void)
{
	for (uint32_t size = 0; size < SIZES; size++)
		for (uint32_t i = 0; i < PIECES_MAX; i++) {
			void *start = (void *)atomic_exchange(&kept[size][i], 0);

			if (start != NULL)
				region_unmap(start, SMALLEST_BYTES << size);
		}
}
