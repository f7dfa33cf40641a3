/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconnects: the connection to the data base breaks now and then and is made again, with a handful
 * of blocks.
 *
 * Sick: the blocks of the old one are not freed. It does not happen often: a rare event.
 *
 *   leak connection_open
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_BLOCKS 40

static void *blocks[MOST_BLOCKS];
static unsigned count;
static double breaks;

static SITE void connection_open(struct part *part)
{
	for (unsigned i = 0; i < count; i++)
		blocks[i] = part_check(malloc(part_bytes(part)));
}

static void connection_close(void)
{
	for (unsigned i = 0; i < count; i++)
		free(blocks[i]);
}

static void start(struct part *part)
{
	count = (unsigned)part_draw_scale(part, "blocks", 1, MOST_BLOCKS);
	/* In a run, not in a period. */
	breaks = part_draw(part, "breaks", 12, 24) / part->periods;
	connection_open(part);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, breaks); i; i--) {
		if (!part->is_sick)
			connection_close();
		connection_open(part);
	}
	for (unsigned i = part_requests(part); i; i--)
		free(part_check(malloc(part_bytes(part))));
}

KIND(reconnects);
