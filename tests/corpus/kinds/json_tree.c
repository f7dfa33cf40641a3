/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree: a request's text becomes a tree of values, which is freed when it has been answered.
 *
 * Sick: a key that occurs twice replaces the value before without freeing it.
 *
 *   leak value_parse
 */
#include "tests/corpus/part.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS 6

struct value {
	char *text;
	struct value *members[MEMBERS];
};

static double documents, twice;

static SITE struct value *value_parse(struct part *part, unsigned depth)
{
	struct value *value = part_check(calloc(1, sizeof(*value)));

	if (!depth) {
		value->text = part_check(strdup("a text"));
		return value;
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		if (part_chance(part, 0.7))
			value->members[i] = value_parse(part, depth - 1);
	return value;
}

static void value_free(struct value *value)
{
	if (!value)
		return;
	for (unsigned i = 0; i < MEMBERS; i++)
		value_free(value->members[i]);
	free(value->text);
	free(value);
}

static void start(struct part *part)
{
	documents = part->rate / 20;
	twice = part_draw_scale(part, "twice", 0.05, 0.5);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, documents); i; i--) {
		struct value *document = value_parse(part, 2);

		if (part_chance(part, twice)) {
			if (!part->is_sick)
				value_free(document->members[0]);
			document->members[0] = value_parse(part, 1);
		}
		value_free(document);
	}
}

KIND(json_tree);
