/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_reload: a daemon reads its settings again when it is told to, a string for each.
 *
 * Sick: the strings of the settings before are not freed.
 *
 *   leak setting_read
 */
#include "tests/corpus/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SETTINGS 200

static char *settings[MOST_SETTINGS];
static unsigned count;
static double every, next;

static SITE char *setting_read(struct part *part)
{
	char line[256];

	snprintf(line, sizeof(line), "value-%u-%.*s", part->step, (int)part_uniform(part, 0, 60),
		 "a text of some length, as settings have, and then a little more");
	return part_check(strdup(line));
}

static void start(struct part *part)
{
	count = (unsigned)part_draw_scale(part, "settings", 5, MOST_SETTINGS);
	every = part_draw(part, "every", 0.5, 0.06 * part->periods);
}

static void step(struct part *part)
{
	if (part_now(part) < next)
		return;
	next += every * part_uniform(part, 0.8, 1.2);
	for (unsigned i = 0; i < count; i++) {
		if (!part->is_sick)
			free(settings[i]);
		settings[i] = setting_read(part);
	}
}

KIND(config_reload);
