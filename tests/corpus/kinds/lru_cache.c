/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru_cache: a cache that fills up and then evicts what was used least recently.
 *
 * Sick: an entry that was being read when it had to go is taken out, but its value is never freed.
 *
 *   leak value_load
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct entry {
	struct entry *newer;
	void *value;
};

static struct entry *oldest, **newest = &oldest;
static unsigned count, most;
static double misses, in_use;

static SITE void *value_load(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static SITE void entry_add(struct part *part)
{
	struct entry *entry = part_check(calloc(1, sizeof(*entry)));

	entry->value = value_load(part);
	*newest = entry;
	newest = &entry->newer;
	count++;
}

static void evict(struct part *part)
{
	struct entry *entry = oldest;

	oldest = entry->newer;
	if (!oldest)
		newest = &oldest;
	if (!(part->is_sick && part_chance(part, in_use)))
		free(entry->value);
	free(entry);
	count--;
}

static void start(struct part *part)
{
	misses = part_draw(part, "misses", 0.2, 1);
	in_use = part_draw_scale(part, "in_use", 0.03, 0.3);
	most = 1 + (unsigned)(part->rate * misses * part->periods *
			      part_draw(part, "full", 0.08, part->is_sick ? 0.25 : 0.6));
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, part->rate * misses); i; i--) {
		entry_add(part);
		if (count > most)
			evict(part);
	}
}

KIND(lru_cache);
