/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_shapes: by which ways the program holds the blocks of a site, or of several together.
 */
#include "tools/model/holder_shapes.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

/* The stacks of the sites that are asked about, in rising order. */
struct own_stacks {
	uint32_t *stacks;
	size_t count;
};

static int compare_stacks(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

static bool is_own(const struct own_stacks *own, uint32_t stack)
{
	return bsearch(&stack, own->stacks, own->count, sizeof(stack), compare_stacks);
}

static void add_place(struct shape_step *step, uint64_t place)
{
	for (size_t i = 0; i < step->place_count; i++)
		if (step->places[i] == place)
			return;
	if (step->place_count < SHAPE_PLACES_MAX)
		step->places[step->place_count++] = place;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The step of the same site that the way came through before; null where there is none. */
static struct shape_step *find_step(struct holder_shape *shape, uint32_t stack)
{
	for (size_t i = shape->step_count; i > 0 && stack != 0; i--)
		if (shape->steps[i - 1].stack == stack)
			return &shape->steps[i - 1];
	return NULL;
}

/* Of equal paths only the most steps one after the other are known. */
static void add_step(struct holder_shape *shape, const struct holder_step *step, bool is_of_one)
{
	struct shape_step *known = find_step(shape, step->stack);
	bool is_after_gap = shape->step_count && !shape->steps[shape->step_count - 1].stack;
	if (!step->stack && is_after_gap)
		return;
	if (known) {
		/* Back again: what lies between is a detour. */
		shape->step_count = (size_t)(known - shape->steps) + 1;
		known->most = sum_of(known->most, step->count);
		known->least = is_of_one ? known->most : 1;
	} else {
		known = &shape->steps[shape->step_count++];
		*known = (struct shape_step){
			.stack = step->stack,
			.least = is_of_one ? step->count : 1,
			.most = step->count,
		};
	}
	add_place(known, step->offset);
}

/* The way that a path goes. Where it comes through a block of the sites themselves, it is that one's way,
 * and what follows only says how many others there are before the block. */
static void shape_of_path(struct holder_shape *shape, const struct holder_path *path,
			  const struct own_stacks *own, struct shape_step *steps)
{
	bool is_own_reached = false;
	*shape = (struct holder_shape){.root = path->root, .steps = steps};
	for (uint32_t i = 0; i < path->step_count; i++) {
		const struct holder_step *step = &path->steps[i];
		if (is_own(own, step->stack)) {
			is_own_reached = true;
			shape->own_most = sum_of(shape->own_most, step->count);
		} else if (!is_own_reached) {
			add_step(shape, step, path->blocks == 1);
		}
	}
}

/* ---- paths of one shape ---- */

static int compare_ways(const void *left, const void *right)
{
	const struct holder_shape *a = left, *b = right;
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	if (a->step_count != b->step_count)
		return a->step_count < b->step_count ? -1 : 1;
	for (size_t i = 0; i < a->step_count; i++)
		if (a->steps[i].stack != b->steps[i].stack)
			return a->steps[i].stack < b->steps[i].stack ? -1 : 1;
	return 0;
}

/* The way last, so that the order does not depend on the sort. */
static int compare_shares(const void *left, const void *right)
{
	const struct holder_shape *a = left, *b = right;
	if (a->share != b->share)
		return a->share < b->share ? 1 : -1;
	return compare_ways(left, right);
}

static void merge(struct holder_shape *into, const struct holder_shape *from)
{
	into->share += from->share;
	if (into->own_most < from->own_most)
		into->own_most = from->own_most;
	for (size_t i = 0; i < into->step_count; i++) {
		struct shape_step *step = &into->steps[i];
		const struct shape_step *other = &from->steps[i];
		step->least = step->least < other->least ? step->least : other->least;
		step->most = step->most > other->most ? step->most : other->most;
		for (size_t place = 0; place < other->place_count; place++)
			add_place(step, other->places[place]);
	}
}

static size_t merge_all(struct holder_shape *shapes, size_t count)
{
	size_t kept = 0;
	if (!count)
		return 0;
	qsort(shapes, count, sizeof(*shapes), compare_ways);
	for (size_t i = 0; i < count; i++) {
		if (kept && compare_ways(&shapes[kept - 1], &shapes[i]) == 0)
			merge(&shapes[kept - 1], &shapes[i]);
		else
			shapes[kept++] = shapes[i];
	}
	qsort(shapes, kept, sizeof(*shapes), compare_shares);
	return kept;
}

/* ---- of sites ---- */

static double live_blocks_of(const struct site *site, size_t last)
{
	const struct site_point *point = site_at(site, last);
	return point ? (double)point->live_blocks : 0;
}

/* Of each site as much as it has live blocks; of a single one it does not matter. */
static size_t gather(struct holder_shape *shapes, struct shape_step *steps,
		     const struct profile *profile, const struct site *const *sites,
		     size_t site_count, size_t last, const struct own_stacks *own)
{
	size_t count = 0;
	double all = 0;
	for (size_t i = 0; i < site_count; i++) {
		size_t path_count;
		double drawn = 0, weight = live_blocks_of(sites[i], last);
		const struct holder_path *paths =
			site_holders(profile, sites[i], last, &path_count);
		for (size_t p = 0; p < path_count; p++)
			drawn += (double)paths[p].blocks;
		if (!(drawn > 0))
			continue;
		if (!(weight > 0))
			weight = 1;
		all += weight;
		for (size_t p = 0; p < path_count; p++) {
			shape_of_path(&shapes[count], &paths[p], own, steps);
			steps += paths[p].step_count;
			shapes[count++].share = weight * (double)paths[p].blocks / drawn;
		}
	}
	for (size_t i = 0; i < count; i++)
		shapes[i].share /= all;
	return count;
}

/* A copy that is no larger than it must be: of a hundred paths few ways are left. */
static bool keep(struct holder_shapes *made, const struct holder_shape *shapes, size_t count,
		 struct arena *arena)
{
	made->shapes = arena_take(arena, count, sizeof(*made->shapes));
	if (!made->shapes)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct holder_shape *shape = &made->shapes[i];
		*shape = shapes[i];
		shape->steps = arena_take(arena, shape->step_count, sizeof(*shape->steps));
		if (!shape->steps)
			return false;
		memcpy(shape->steps, shapes[i].steps, shape->step_count * sizeof(*shape->steps));
	}
	made->count = count;
	return true;
}

static bool is_told(const struct profile *profile, size_t last)
{
	const struct scan *scan = profile_scan(profile, last);
	return scan && scan->raw.outcome == SEEP_SCAN_DONE && profile->holders &&
	       profile->holders->raw.snapshot == scan->raw.snapshot;
}

bool holder_shapes_make(struct holder_shapes *made, const struct profile *profile,
			const struct site *const *sites, size_t site_count, size_t last,
			struct arena *arena)
{
	static struct holder_shape nobody;
	size_t path_count = 0, step_count = 0;
	*made = (struct holder_shapes){0};
	if (!is_told(profile, last))
		return true;
	made->shapes = &nobody;
	for (size_t i = 0; i < site_count; i++) {
		size_t count;
		const struct holder_path *paths = site_holders(profile, sites[i], last, &count);
		path_count += count;
		for (size_t p = 0; p < count; p++)
			step_count += paths[p].step_count;
	}
	if (!path_count)
		return true;

	struct holder_shape *shapes = malloc(path_count * sizeof(*shapes));
	struct shape_step *steps = malloc((step_count + 1) * sizeof(*steps));
	struct own_stacks own = {.stacks = malloc(site_count * sizeof(*own.stacks)),
				 .count = site_count};
	bool is_fine = shapes && steps && own.stacks;
	if (is_fine) {
		for (size_t i = 0; i < site_count; i++)
			own.stacks[i] = sites[i]->stack;
		qsort(own.stacks, own.count, sizeof(*own.stacks), compare_stacks);
		size_t count = gather(shapes, steps, profile, sites, site_count, last, &own);
		is_fine = keep(made, shapes, merge_all(shapes, count), arena);
	}
	free(own.stacks);
	free(steps);
	free(shapes);
	return is_fine;
}
