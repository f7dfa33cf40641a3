/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_path: requests are parsed into buffers that live for the request.
 *
 * Sick: one request in a hundred or so is malformed, and the early return forgets its buffer. The
 * site is busy, and its leak a small part of what it does.
 *
 *   leak buffer_get
 */
#include "tests/corpus/part.h"

#include <stdlib.h>
#include <string.h>

static double malformed;

static SITE char *buffer_get(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static SITE bool parse(struct part *part, char *buffer)
{
	strcpy(buffer, "GET / HTTP/1.1");
	return !part_chance(part, malformed);
}

static void start(struct part *part)
{
	part->rate *= 8;
	malformed = part_draw_scale(part, "malformed", 0.004, 0.03);
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		char *buffer = buffer_get(part);

		if (!parse(part, buffer) && part->is_sick)
			continue;
		free(buffer);
	}
}

KIND(error_path);
