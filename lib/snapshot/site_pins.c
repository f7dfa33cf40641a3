/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_pins: which sites keep free memory from being used otherwise.
 *
 * How full a page is, is known only when all blocks have been seen; whose they are, only of those that
 * are looked at again. The program has gone on meanwhile: a block that came is given a part of what
 * was free before it came, which is wrong by as much as the program changes in a few milliseconds.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    scratch: 8 bytes a stack
 *   Calls     what live_table_walk_some calls; clock_gettime
 *   Failure   is_failed: the snapshot does without
 */
#include "lib/snapshot/site_pins.h"

#include <stddef.h>

#include "lib/base/scratch.h"
#include "lib/base/syscalls.h"
#include "lib/record/live_table.h"

#include "lib/base/poison.h"

#define SHARE_OF_TIME 50u /* looking again takes at most a 50th of it */

static uint64_t taken_ns, took_ns; /* the last time */

/* Of a walk. Small blocks come in the order of their addresses, so mostly out of the same MiB. */
struct second_look {
	struct site_pins *pins;
	const struct page_fill *fill;
	uint64_t chunk;
	const struct page_filled *pages; /* of the chunk; null: none is sparse */
};

static struct page_filled page_at(struct second_look *look, uint64_t addr)
{
	if (addr >> PAGE_FILL_CHUNK_BITS != look->chunk) {
		const struct page_unit *unit = page_fill_unit(look->fill, addr);
		uint32_t chunk = addr >> PAGE_FILL_CHUNK_BITS & (PAGE_FILL_UNIT_CHUNKS - 1);

		look->chunk = addr >> PAGE_FILL_CHUNK_BITS;
		look->pages = unit != NULL && (unit->sparse_chunks >> chunk & 1) != 0
				      ? unit->chunks[chunk]
				      : NULL;
	}
	if (look->pages == NULL)
		return (struct page_filled){0};
	return look->pages[page_fill_index(addr)];
}

/* Also for the page behind: a block may reach into it. */
static bool has_sparse_page(uint64_t addr, uint64_t bytes, void *context)
{
	for (uint64_t offset = 0; offset <= bytes; offset += PAGE_FILL_BYTES)
		if (page_is_sparse(page_at(context, addr + offset)))
			return true;
	return false;
}

static uint64_t part_of(struct page_filled page)
{
	uint32_t free_parts = (PAGE_FILL_BYTES - page.bytes) << SITE_PINS_PART_BITS;

	return page_is_sparse(page) ? free_parts / page.blocks : 0;
}

/* Only the first and the last page of a block can be sparse. */
static void add_block(uint64_t addr, const struct live_block *block, void *context)
{
	struct second_look *look = context;
	uint64_t last = block->bytes == 0 ? addr : addr + block->bytes - 1;
	uint64_t parts;

	if (block->stack >= look->pins->stack_count)
		return;
	parts = part_of(page_at(look, addr));
	if (addr >> PAGE_FILL_BITS != last >> PAGE_FILL_BITS)
		parts += part_of(page_at(look, last));
	look->pins->parts[block->stack] += parts;
}

bool site_pins_are_due(void)
{
	return sys_clock_ns(CLOCK_MONOTONIC) - taken_ns >= SHARE_OF_TIME * took_ns;
}

static void look_again(struct second_look *look)
{
	uint64_t started_ns = sys_clock_ns(CLOCK_MONOTONIC);

	live_table_walk_some(has_sparse_page, add_block, look);
	taken_ns = sys_clock_ns(CLOCK_MONOTONIC);
	took_ns = taken_ns - started_ns;
}

void site_pins_take(struct site_pins *pins, const struct page_fill *fill, uint32_t stack_count)
{
	struct second_look look = {.pins = pins, .fill = fill, .chunk = UINT64_MAX};

	*pins = (struct site_pins){.stack_count = stack_count};
	pins->is_failed = fill->is_failed || fill->is_sampled;
	if (!pins->is_failed)
		pins->parts = scratch_map(stack_count * sizeof(*pins->parts));
	if (pins->parts == NULL)
		pins->is_failed = true;
	else if (fill->has_sparse_pages)
		look_again(&look);
}

void site_pins_release(struct site_pins *pins)
{
	if (pins->parts != NULL)
		scratch_unmap(pins->parts, pins->stack_count * sizeof(*pins->parts));
	*pins = (struct site_pins){0};
}
