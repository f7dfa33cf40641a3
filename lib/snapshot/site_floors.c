/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_floors: how fast each site grows, told from the least that it held.
 *
 * Two numbers a site, whatever the length of the run. The floors of a site that grows evenly are
 * what it held when the periods began, so their difference over the time between the two
 * beginnings is exactly its rate; one that swings, or holds what is in flight, has the floors of
 * its valleys.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    region: 16 bytes a stack for good, where a site's growth is limited
 *   Calls     region_map
 *   Failure   a site without memory is not looked at
 */
#include "lib/snapshot/site_floors.h"

#include <stddef.h>

#include "lib/base/region.h"
#include "lib/record/call_tree.h"

#include "lib/base/poison.h"

#define CHUNK 65536u
#define CHUNKS (CALL_TREE_NODES_MAX / CHUNK)
#define HOUR_NS 3600000000000ull

struct site_floor {
	uint64_t before, now; /* in the period before this one, and in this one so far */
};

static struct site_floor *chunks[CHUNKS]; /* by stack */

static struct {
	uint64_t start_ns, start_before_ns; /* of the period, and of the one before; 0: none */
	uint32_t snapshots;		    /* in this period so far */
	bool is_new;			    /* it begins with this snapshot */
} period;

void site_floors_begin(uint64_t time_ns)
{
	period.is_new = period.start_ns == 0 || time_ns / 2 >= period.start_ns;
	if (period.is_new) {
		period.start_before_ns = period.start_ns;
		period.start_ns = time_ns == 0 ? 1 : time_ns;
		period.snapshots = 0;
	}
	period.snapshots++;
}

/* Null for a site that never held anything. */
static struct site_floor *floor_of(uint32_t stack, uint64_t bytes)
{
	struct site_floor **chunk = &chunks[stack / CHUNK];

	if (*chunk == NULL && bytes > 0)
		*chunk = region_map(CHUNK * sizeof(**chunk), REGION_WIPED_ON_FORK);
	return *chunk == NULL ? NULL : &(*chunk)[stack % CHUNK];
}

bool site_floors_note(uint32_t stack, uint64_t bytes, uint64_t *bytes_per_hour)
{
	bool is_told = period.start_before_ns != 0 && period.snapshots >= SITE_FLOORS_SNAPSHOTS_MIN;
	struct site_floor *floor = floor_of(stack, bytes);
	unsigned __int128 rate;

	*bytes_per_hour = 0;
	/* Most stacks are nobody's site: their pages are not touched. */
	if (floor == NULL || (bytes == 0 && floor->now == 0 && floor->before == 0))
		return is_told;
	if (period.is_new) {
		floor->before = floor->now;
		floor->now = bytes;
	} else if (bytes < floor->now) {
		floor->now = bytes;
	}
	if (!is_told || floor->now <= floor->before)
		return is_told;
	rate = (unsigned __int128)(floor->now - floor->before) * HOUR_NS /
	       (period.start_ns - period.start_before_ns);
	*bytes_per_hour = rate < UINT64_MAX ? (uint64_t)rate : UINT64_MAX - 1;
	return true;
}

void site_floors_forget(void)
{
	period.start_ns = period.start_before_ns = 0;
}
