/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat_rooms: a few rooms that live as long as the program; each has a text of what was said
 * lately, a buffer that realloc makes longer, up to a bound.
 *
 * Sick: there is no bound. As many blocks as ever, each with more and more bytes.
 *
 *   leak text_append
 */
#include "tests/corpus/part.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ROOMS 40

struct room {
	char *text;
	size_t bytes;
};

static struct room rooms[MOST_ROOMS];
static unsigned count;
static size_t most;

static SITE void text_append(struct room *room, size_t more)
{
	room->text = part_check(realloc(room->text, room->bytes + more));
	memset(room->text + room->bytes, 'x', more);
	room->bytes += more;
}

static void start(struct part *part)
{
	count = (unsigned)part_draw_scale(part, "rooms", 3, MOST_ROOMS);
	/* A share of what is said in a room in the whole run: it is full in the first third. */
	most = (size_t)((double)part->usual_bytes / 4 * part->rate * part->periods / count *
			part_draw(part, "most", 0.02, 0.3)) +
	       2 * part->usual_bytes;
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		struct room *room = &rooms[(unsigned)part_uniform(part, 0, count)];
		size_t more = part_bytes(part) / 4 + 1;

		if (room->bytes + more > most && !part->is_sick) {
			/* The older half goes. */
			room->bytes /= 2;
			memmove(room->text, room->text + room->bytes, room->bytes);
		}
		text_append(room, more);
	}
}

KIND(chat_rooms);
