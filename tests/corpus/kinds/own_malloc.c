/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_malloc: everything is allocated by one function that checks the result. Several callers use
 * it well: pictures, fonts, sounds.
 *
 * Sick: one more caller, meshes, loses some of its blocks.
 *
 *   leak mesh_load
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define KINDS 4

struct thing {
	struct due due;
	char bytes[];
};

static struct calendar ends;
static double life[KINDS], lost;

static SITE struct thing *checked_malloc(struct part *part)
{
	return part_check(malloc(sizeof(struct thing) + part_bytes(part)));
}

#define LOADER(name)                                                                               \
	static SITE struct thing *name(struct part *part)                                          \
	{                                                                                          \
		struct thing *thing = checked_malloc(part);                                        \
                                                                                                   \
		thing->bytes[0] = #name[0];                                                        \
		return thing;                                                                      \
	}
LOADER(picture_load)
LOADER(font_load)
LOADER(sound_load)
LOADER(mesh_load)

static void start(struct part *part)
{
	for (unsigned i = 0; i < KINDS; i++)
		life[i] = part_draw_scale(part, "life", 0.1, 0.1 * part->periods);
	lost = part_draw_scale(part, "lost", 0.05, 0.3);
}

static void step(struct part *part)
{
	static struct thing *(*const loaders[KINDS])(struct part *) = {picture_load, font_load,
								       sound_load, mesh_load};
	struct due *due;

	while ((due = calendar_take(&ends, part)))
		free(due);
	for (unsigned i = part_requests(part); i; i--) {
		unsigned which = (unsigned)part_uniform(part, 0, KINDS);
		struct thing *thing = loaders[which](part);

		if (part->is_sick && loaders[which] == mesh_load && part_chance(part, lost))
			continue;
		calendar_add(&ends, part, &thing->due, part_exponential(part, life[which]));
	}
}

KIND(own_malloc);
