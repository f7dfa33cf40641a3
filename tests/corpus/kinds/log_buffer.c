/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_buffer: lines are appended to a buffer that realloc makes longer, and written out when there
 * is enough of them.
 *
 * Sick: nothing can be written out, and the buffer becomes ever longer. One block, more and more
 * bytes.
 *
 *   leak buffer_append
 */
#include "tests/corpus/part.h"

#include <stdlib.h>
#include <string.h>

static char *buffer;
static size_t bytes, room, most, page;

static SITE void buffer_append(size_t more)
{
	if (bytes + more > room) {
		room = (bytes + more + page - 1) / page * page;
		buffer = part_check(realloc(buffer, room));
	}
	memset(buffer + bytes, 'x', more);
	bytes += more;
}

static void start(struct part *part)
{
	page = (size_t)part_draw_scale(part, "page", 256, 4096);
	most = (size_t)(part->rate * (double)part->usual_bytes * part_draw(part, "most", 0.5, 4));
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		buffer_append(part_bytes(part));
		if (bytes > most && !part->is_sick)
			bytes = 0;
	}
}

KIND(log_buffer);
