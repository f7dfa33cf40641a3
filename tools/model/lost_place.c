/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_place: all sites of the run are added up by their innermost frames, with what they have allocated
 * and what of that is lost; those that lose nothing, too, for they are the ones that free.
 */
#include "tools/model/lost_place.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/runtime_module.h"
#include "tools/model/scan.h"

/* Without memory uthash shall leave an entry out instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAX_DEPTH 4 /* frames that are not skipped */
#define MAX_FRAMES 16
/* So much of what a place has allocated is lost: some calls fail half-way and free it themselves. */
#define NEARLY_ALL 0.9

struct place {
	UT_hash_handle hh;
	uint64_t pcs[MAX_FRAMES];
	double allocated, lost;
	size_t leader; /* index of the first lost site that has it */
};

uint32_t lost_place_runtime_frames(const struct profile *profile, uint32_t stack)
{
	uint32_t count = 0;
	for (uint32_t id = stack; id && runtime_module_has(profile, id);
	     id = profile->nodes[id].parent)
		count++;
	return count;
}

/* The `depth` innermost frames behind those that are skipped: all of one module, and somebody has called
 * them. Their number with the others; 0 where there are not as many. */
static uint32_t list_frames(const struct profile *profile, uint32_t stack, uint32_t skipped,
			    uint32_t depth, uint64_t pcs[MAX_FRAMES])
{
	uint32_t count = 0, module = PROFILE_NO_MODULE, id = stack;
	memset(pcs, 0, MAX_FRAMES * sizeof(*pcs));
	for (; id && count < skipped + depth; id = profile->nodes[id].parent) {
		const struct stack_node *node = &profile->nodes[id];
		if (count >= MAX_FRAMES || (count > skipped && node->module != module))
			return 0;
		module = node->module;
		pcs[count++] = node->pc;
	}
	return id && count == skipped + depth ? count : 0;
}

static struct place *find_place(struct place *places, const uint64_t pcs[MAX_FRAMES])
{
	struct place *place;
	HASH_FIND(hh, places, pcs, MAX_FRAMES * sizeof(*pcs), place);
	return place;
}

static void free_places(struct place **places)
{
	struct place *place, *next;
	HASH_ITER(hh, *places, place, next)
	{
		HASH_DEL(*places, place);
		free(place);
	}
}

/* The places of all lost sites that have none yet. */
static bool open_places(const struct profile *profile, const struct lost_site *sites, size_t count,
			uint32_t depth, struct place **places)
{
	uint64_t pcs[MAX_FRAMES];
	for (size_t i = 0; i < count; i++) {
		if (sites[i].depth ||
		    !list_frames(profile, sites[i].stack, sites[i].skipped, depth, pcs) ||
		    find_place(*places, pcs))
			continue;
		struct place *place = calloc(1, sizeof(*place));
		if (!place)
			return false;
		memcpy(place->pcs, pcs, sizeof(pcs));
		place->leader = i;
		HASH_ADD(hh, *places, pcs, sizeof(place->pcs), place);
		if (!place->hh.tbl) {
			free(place);
			return false;
		}
	}
	return true;
}

/* Of all sites, by each number of frames that a place may have. */
static void add_up(const struct profile *profile, size_t last, uint32_t most, struct place *places)
{
	uint64_t pcs[MAX_FRAMES];
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		const struct site_point *point = site_at(site, last);
		const struct scanned_site *scanned = site_scanned(profile, site, last);
		if (!point)
			continue;
		uint64_t lost = scanned ? reachability_lost(scanned).blocks : 0;
		uint64_t allocated = point->allocations > lost ? point->allocations : lost;
		uint32_t depth = 0;
		memset(pcs, 0, sizeof(pcs));
		for (uint32_t id = site->stack; id && depth < most;
		     id = profile->nodes[id].parent) {
			pcs[depth++] = profile->nodes[id].pc;
			struct place *place = find_place(places, pcs);
			if (!place)
				continue;
			place->allocated += (double)allocated;
			place->lost += (double)lost;
		}
	}
}

static void choose(const struct profile *profile, struct lost_site *sites, size_t count,
		   uint32_t depth, struct place *places)
{
	uint64_t pcs[MAX_FRAMES];
	for (size_t i = 0; i < count; i++) {
		struct lost_site *site = &sites[i];
		uint32_t frames =
			site->depth ? 0
				    : list_frames(profile, site->stack, site->skipped, depth, pcs);
		const struct place *place = frames ? find_place(places, pcs) : NULL;
		if (!place || place->lost < NEARLY_ALL * place->allocated)
			continue;
		site->depth = frames;
		site->leader = place->leader;
	}
}

bool lost_place_find(const struct profile *profile, size_t last, struct lost_site *sites,
		     size_t count)
{
	bool is_fine = true;
	uint32_t skipped = 0;
	for (size_t i = 0; i < count; i++) {
		sites[i].leader = i;
		sites[i].depth = 0;
		if (sites[i].skipped > skipped)
			skipped = sites[i].skipped;
	}
	for (uint32_t depth = 1; is_fine && depth <= MAX_DEPTH; depth++) {
		struct place *places = NULL;
		is_fine = open_places(profile, sites, count, depth, &places);
		if (is_fine && places) {
			uint32_t most = skipped + depth;
			add_up(profile, last, most < MAX_FRAMES ? most : MAX_FRAMES, places);
			choose(profile, sites, count, depth, places);
		}
		free_places(&places);
	}
	return is_fine;
}
