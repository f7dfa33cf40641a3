/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_twins: a list of places for each identity, in order.
 */
#include "tools/model/site_twins.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/arena.h"
#include "tools/model/finding.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

/* From where it calls, frame by frame. */
struct place {
	const uint64_t *words;
	size_t count;
};

struct family {
	UT_hash_handle hh;
	uint64_t identity;
	struct place *places; /* in order, none twice */
	size_t count, room;
};

struct site_twins {
	struct arena *arena;
	struct family *families;
};

struct site_twins *site_twins_new(void)
{
	struct site_twins *twins = calloc(1, sizeof(*twins));

	if (twins && !(twins->arena = arena_new())) {
		free(twins);
		return NULL;
	}
	return twins;
}

void site_twins_free(struct site_twins *twins)
{
	if (!twins)
		return;
	for (struct family *family = twins->families; family; family = family->hh.next)
		free(family->places);
	HASH_CLEAR(hh, twins->families);
	arena_free(twins->arena);
	free(twins);
}

static int compare_places(const struct place *a, const struct place *b)
{
	size_t least = a->count < b->count ? a->count : b->count;

	for (size_t i = 0; i < least; i++)
		if (a->words[i] != b->words[i])
			return a->words[i] < b->words[i] ? -1 : 1;
	return (a->count > b->count) - (a->count < b->count);
}

/* The index of the first one that is not before it. */
static size_t find_place(const struct family *family, const struct place *place)
{
	size_t low = 0, high = family->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_places(&family->places[middle], place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct family *family_of(const struct site_twins *twins, uint64_t identity)
{
	struct family *family;

	HASH_FIND(hh, twins->families, &identity, sizeof(identity), family);
	return family;
}

static struct family *add_family(struct site_twins *twins, uint64_t identity)
{
	struct family *family = family_of(twins, identity);

	if (family)
		return family;
	family = arena_take(twins->arena, 1, sizeof(*family));
	if (!family)
		return NULL;
	family->identity = identity;
	HASH_ADD(hh, twins->families, identity, sizeof(family->identity), family);
	return family->hh.tbl ? family : NULL;
}

bool site_twins_know(const struct site_twins *twins, const struct report_site *site)
{
	return family_of(twins, site->identity);
}

bool site_twins_add(struct site_twins *twins, const struct report_site *site)
{
	struct family *family = add_family(twins, site->identity);
	uint64_t *words = arena_take(twins->arena, site->frame_count, sizeof(*words));

	if (!family || !words)
		return false;
	const struct place place = {words, report_site_places(site, words)};
	size_t at = find_place(family, &place);
	if (at < family->count && compare_places(&family->places[at], &place) == 0)
		return true;
	if (!array_reserve((void **)&family->places, &family->room, family->count + 1,
			   sizeof(struct place)))
		return false;
	memmove(&family->places[at + 1], &family->places[at],
		(family->count - at) * sizeof(struct place));
	family->places[at] = place;
	family->count++;
	return true;
}

static void name(const struct site_twins *twins, struct report_site *site)
{
	const struct family *family = family_of(twins, site->identity);
	uint64_t words[REPORT_PLACES_MAX];

	if (!family || site->frame_count > REPORT_PLACES_MAX)
		return;
	const struct place place = {words, report_site_places(site, words)};
	site->twin_count = (uint32_t)family->count;
	report_site_number(site, find_place(family, &place));
}

void site_twins_tell_apart(const struct site_twins *twins, struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].frames)
			name(twins, &report->sites[i]);
	/* What hangs under a lost site bears its name. */
	for (size_t i = 0; i < report->entry_count; i++) {
		struct report_finding *finding = report->entries[i].finding;
		for (size_t s = 0;
		     finding && finding->kind == FINDING_LOST && s < finding->site_count; s++)
			if (finding->sites[s]->stack == finding->sum.stack)
				memcpy(finding->sum.id, finding->sites[s]->id,
				       sizeof(finding->sum.id));
	}
}
