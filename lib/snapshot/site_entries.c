/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_entries: what a snapshot says of each site.
 *
 * A fingerprint of 8 bytes per stack remembers what was last written of it.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    region: 8 bytes a stack for good
 *   Calls     mmap
 *   Failure   without memory for fingerprints a site is written each time
 */
#include "lib/snapshot/site_entries.h"

#include <stddef.h>

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/record/call_tree.h"

#include "lib/base/poison.h"

#define COHORTS_MAX 160u /* see site_totals_cohort: 16 + 8 * 14, and one for the future */
#define FINGERPRINT_CHUNK 65536u
#define FINGERPRINT_CHUNKS (CALL_TREE_NODES_MAX / FINGERPRINT_CHUNK)

/* By stack: what was last written of the site; 0: nothing. */
static uint64_t *fingerprints[FINGERPRINT_CHUNKS];

/* A site as it is now. */
struct site_now {
	uint64_t blocks, bytes;
	uint32_t cohort_count;
	const struct site_cohort *cohorts[COHORTS_MAX]; /* by rising epoch */
};

static void gather(const struct site_totals *totals, uint32_t stack, struct site_now *site)
{
	site->blocks = site->bytes = 0;
	site->cohort_count = 0;
	for (uint32_t index = totals->first_cohort[stack]; index != 0;) {
		const struct site_cohort *cohort = &totals->cohorts[index - 1];
		uint32_t place = site->cohort_count;

		site->blocks += cohort->blocks;
		site->bytes += cohort->bytes;
		index = cohort->next;
		INVARIANT(place < COHORTS_MAX, stack, totals->epoch);
		if (place == COHORTS_MAX)
			continue;
		for (; place > 0 && site->cohorts[place - 1]->epoch > cohort->epoch; place--)
			site->cohorts[place] = site->cohorts[place - 1];
		site->cohorts[place] = cohort;
		site->cohort_count++;
		INVARIANT(place == 0 || site->cohorts[place - 1]->epoch < cohort->epoch, stack,
			  cohort->epoch);
	}
}

/* One step of a mixer after Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014: every bit of the result depends on every bit of both. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) + 0x9e3779b97f4a7c15ull;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebull;
	return hash ^ hash >> 31;
}

static uint64_t fingerprint_of(const struct site_now *site, const struct site_counters *counters)
{
	uint64_t hash = mix(0, site->blocks);

	hash = mix(hash, site->bytes);
	hash = mix(hash, counters->allocations);
	hash = mix(hash, counters->allocated_bytes);
	return hash == 0 ? 1 : hash;
}

static uint64_t *fingerprint_at(uint32_t stack)
{
	uint64_t **chunk = &fingerprints[stack / FINGERPRINT_CHUNK];

	if (*chunk == NULL)
		*chunk = region_map(FINGERPRINT_CHUNK * sizeof(**chunk), REGION_WIPED_ON_FORK);
	return *chunk == NULL ? NULL : &(*chunk)[stack % FINGERPRINT_CHUNK];
}

static void add_entry(struct buffer *payload, uint32_t id_step, const struct site_now *site,
		      const struct site_counters *counters)
{
	uint32_t epoch = 0;

	buffer_add_varint(payload, id_step);
	buffer_add_varint(payload, site->blocks);
	buffer_add_varint(payload, site->bytes);
	buffer_add_varint(payload, counters->allocations);
	buffer_add_varint(payload, counters->allocated_bytes);
	buffer_add_varint(payload, site->cohort_count);
	for (uint32_t i = 0; i < site->cohort_count; i++) {
		buffer_add_varint(payload, site->cohorts[i]->epoch - epoch);
		buffer_add_varint(payload, site->cohorts[i]->blocks);
		buffer_add_varint(payload, site->cohorts[i]->bytes);
		epoch = site->cohorts[i]->epoch;
	}
}

uint32_t site_entries_add(struct buffer *payload, const struct site_totals *totals,
			  bool is_keyframe)
{
	uint32_t count = 0, last = 0;

	for (uint32_t stack = 1; stack < totals->stack_count; stack++) {
		const struct site_counters *counters = &totals->allocated[stack];
		uint64_t *fingerprint, hash;
		struct site_now site;

		/* Most nodes are inner frames: nothing was ever allocated right there. */
		if (counters->allocations == 0 && totals->first_cohort[stack] == 0 &&
		    (is_keyframe || fingerprints[stack / FINGERPRINT_CHUNK] == NULL ||
		     *fingerprint_at(stack) == 0))
			continue;
		gather(totals, stack, &site);
		hash = fingerprint_of(&site, counters);
		fingerprint = fingerprint_at(stack);
		if (fingerprint != NULL) {
			if (!is_keyframe && *fingerprint == hash)
				continue;
			*fingerprint = hash;
		}
		add_entry(payload, stack - last, &site, counters);
		last = stack;
		count++;
	}
	return count;
}
