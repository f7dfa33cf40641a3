/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user_history: for each user the last few things are remembered. It fills up, quickly for busy
 * users and slowly for others, and is full then.
 *
 * Sick: what falls out of a history is unlinked and not freed.
 *
 *   leak visit_record
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdlib.h>

#define MOST_USERS 400
#define MOST_VISITS 10

static void *visits[MOST_USERS][MOST_VISITS];
static unsigned count[MOST_USERS], users, length;
static double power;

static SITE void *visit_record(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	power = part_draw(part, "power", 1, 1.3);
	length = (unsigned)part_draw(part, "length", 2, MOST_VISITS);
	users = 2 + (unsigned)fmin(MOST_USERS - 2, part->rate * part->periods *
							   part_draw(part, "users", 0.02, 0.2) /
							   length);
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		unsigned user = (unsigned)(pow(part_uniform(part, 0, 1), power) * users);
		void **slot = &visits[user][count[user]++ % length];

		if (!part->is_sick)
			free(*slot);
		*slot = visit_record(part);
	}
}

KIND(user_history);
