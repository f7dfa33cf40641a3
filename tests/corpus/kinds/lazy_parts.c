/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lazy_parts: a program that sets up a part of itself when it is needed for the first time, in the
 * first half of its run, and otherwise has its blocks from the start. There is nothing to leak.
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_PARTS 12

static double moments[MOST_PARTS];
static void *blocks[MOST_PARTS][64];
static void *first_blocks[200];
static unsigned parts, size;

static SITE void *table_allocate(struct part *part)
{
	return part_check(calloc(1, part_bytes(part)));
}

static SITE void *constant_make(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	double until = part_draw(part, "until", 0.1, 0.5);

	parts = (unsigned)part_draw(part, "parts", 2, MOST_PARTS);
	size = (unsigned)part_draw_scale(part, "size", 1, 64);
	for (unsigned i = 0; i < parts; i++)
		moments[i] = part_uniform(part, 0, until);
	for (unsigned i = 0; i < 200; i++)
		first_blocks[i] = constant_make(part);
}

static void step(struct part *part)
{
	for (unsigned i = 0; i < parts; i++)
		for (unsigned j = 0; part_share(part) >= moments[i] && j < size; j++)
			if (!blocks[i][j])
				blocks[i][j] = table_allocate(part);
	for (unsigned i = part_requests(part); i; i--)
		free(constant_make(part));
}

KIND(lazy_parts);
