/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retries: what cannot be sent is tried again, each time after twice the pause, and given up at
 * last. Most go out at once; some live a hundred times longer.
 *
 * Sick: what is given up is not freed.
 *
 *   leak mail_accept
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct mail {
	struct due due;
	unsigned attempts;
	char text[];
};

static struct calendar attempts;
static unsigned most_attempts;
static double pause, unreachable;

static SITE struct mail *mail_accept(struct part *part)
{
	struct mail *mail = part_check(malloc(sizeof(*mail) + part_bytes(part)));

	mail->attempts = 0;
	return mail;
}

static void try_to_send(struct part *part, struct mail *mail)
{
	/* A site that was unreachable mostly still is. */
	if (!part_chance(part, mail->attempts ? 0.8 : unreachable)) {
		free(mail);
	} else if (++mail->attempts == most_attempts) {
		if (!part->is_sick)
			free(mail);
	} else {
		calendar_add(&attempts, part, &mail->due, pause * (1u << mail->attempts));
	}
}

static void start(struct part *part)
{
	most_attempts = (unsigned)part_draw(part, "attempts", 3, 6);
	/* All pauses together are a tenth of the run at most. */
	pause = part_draw(part, "pause", 0.02, 0.1) * part->periods / (1u << most_attempts);
	unreachable = part_draw_scale(part, "unreachable", 0.05, 0.3);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&attempts, part)))
		try_to_send(part, (struct mail *)due);
	for (unsigned i = part_requests(part); i; i--)
		try_to_send(part, mail_accept(part));
}

KIND(retries);
