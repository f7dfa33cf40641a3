/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_buffer: a buffer that is as long as the longest request so far, for the requests of a
 * connection. Some connections bring longer ones.
 *
 * Sick: a new buffer takes the place of one that is too short or of the connection before, and the
 * old one is lost.
 *
 *   leak buffer_fit
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

static char *buffer;
static size_t room;
static double spread, connections;

static SITE void buffer_fit(size_t bytes, bool is_sick)
{
	if (bytes <= room)
		return;
	if (!is_sick)
		free(buffer);
	buffer = part_check(malloc(bytes));
	room = bytes;
}

static void start(struct part *part)
{
	spread = part_draw(part, "spread", 0.4, 1);
	connections = part_draw_scale(part, "connections", 2, 10);
}

static void step(struct part *part)
{
	/* Each connection begins with a short buffer. */
	if (part_events(part, connections)) {
		if (!part->is_sick)
			free(buffer);
		buffer = NULL;
		room = 0;
	}
	for (unsigned i = part_requests(part); i; i--)
		buffer_fit((size_t)part_lognormal(part, (double)part->usual_bytes, spread) + 1,
			   part->is_sick);
}

KIND(scratch_buffer);
