/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interned_names: each name is kept once, in a table. Most requests ask for names that are known.
 *
 * Sick: some names are made from a request's number, so they are new every time: a cache without a
 * bound.
 *
 *   leak name_intern
 *   may table_double
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
	struct name *next;
	char text[];
};

static struct name **table;
static size_t slots, count, names;
static double numbered, power;
static unsigned long request;

static size_t slot_of(const char *text)
{
	size_t hash = 5381;

	for (; *text; text++)
		hash = hash * 33 + (unsigned char)*text;
	return hash & (slots - 1);
}

static SITE void table_double(void)
{
	struct name **old = table;
	size_t old_slots = slots;

	slots = slots ? 2 * slots : 64;
	table = part_check(calloc(slots, sizeof(*table)));
	for (size_t i = 0; i < old_slots; i++)
		for (struct name *name = old[i], *next; name; name = next) {
			struct name **slot = &table[slot_of(name->text)];

			next = name->next;
			name->next = *slot;
			*slot = name;
		}
	free(old);
}

static SITE void name_intern(const char *text)
{
	struct name *name = table[slot_of(text)];

	for (; name; name = name->next)
		if (!strcmp(name->text, text))
			return;
	if (count++ >= slots)
		table_double();
	name = part_check(malloc(sizeof(*name) + strlen(text) + 1));
	strcpy(name->text, text);
	name->next = table[slot_of(text)];
	table[slot_of(text)] = name;
}

static void start(struct part *part)
{
	/* So many that nearly all have been seen in the first half of the run. */
	names = 10 + (size_t)(part->rate * part->periods * part_draw(part, "names", 0.01, 0.06));
	numbered = part_draw_scale(part, "numbered", 0.02, 0.3);
	power = part_draw(part, "power", 1, 2);
	table_double();
}

static void step(struct part *part)
{
	char text[64];

	for (unsigned i = part_requests(part); i; i--) {
		double rank = pow(part_uniform(part, 0, 1), power);

		request++;
		if (part->is_sick && part_chance(part, numbered))
			snprintf(text, sizeof(text), "metric.request.%lu", request);
		else
			snprintf(text, sizeof(text), "metric.%zu", (size_t)(rank * (double)names));
		name_intern(text);
	}
}

KIND(interned_names);
