/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round_growth: which sites keep growing over rounds of the same work.
 *
 * Two ways to have grown, of which one is enough:
 *
 *   every round   more bytes than after the round before, each time. That a sum has risen would say nothing:
 *                 what is set up once, late, or doubles now and then, makes it rise too.
 *   of old age    blocks that outlive a fifth of the rounds, and so are no traffic: the least number of them in
 *                 each of five stretches of rounds rises from stretch to stretch, and to the last two by no
 *                 less than a quarter of the mean rise, as it does where something fills up. For work that is
 *                 not quite the same each time, and at least 16 rounds.
 *
 * tests/corpus/README.md says what both are worth, and how that was measured.
 *
 *   Runs in   the thread of the program that runs the rounds; the looks where the caller has them run
 *   Locks     none
 *   Memory    region: 72 bytes for each node of the call tree, 4 for each round
 *   Calls     what live_table_walk calls
 *   Failure   a negative errno value
 */
#include "lib/snapshot/round_growth.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/region.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"

#include "lib/base/poison.h"

#define STRETCHES 5u
#define STRETCHES_LATE 2u
#define STRETCH_LEAST 2u /* rounds */
#define AGE_SHARE 5u	 /* a block is old after one in so many of the rounds */
#define WARM_UP_SHARE 4u
#define ROOM_SHARE 4u /* more than are needed now */
#define STEP_SHARE 4u /* of the mean rise, the least one */

struct round_site {
	uint64_t bytes, bytes_before,
		first_bytes; /* now, after the round before, and the warm-up */
	uint64_t blocks, first_blocks;
	uint32_t old_blocks; /* now */
	bool has_stood;	     /* it has not grown in a round */
	uint32_t least_old[STRETCHES];
};

struct round_growth {
	uint32_t rounds, done;
	uint32_t *began;	    /* by round that is done: the epoch that began with its end */
	uint32_t old_before;	    /* blocks of epochs before this are old */
	uint32_t stack_count, room; /* of those in `sites`; 0: the warm-up is not over */
	struct round_site *sites;
	bool has_room;
	int error; /* of the first round that could not be looked at */
};

static uint32_t warm_up_of(const struct round_growth *growth)
{
	return growth->rounds / WARM_UP_SHARE > 0 ? growth->rounds / WARM_UP_SHARE : 1;
}

uint32_t round_growth_judged(const struct round_growth *growth)
{
	return growth->rounds - warm_up_of(growth);
}

static uint32_t old_age_of(const struct round_growth *growth)
{
	return growth->rounds / AGE_SHARE > 0 ? growth->rounds / AGE_SHARE : 1;
}

/* The rounds after which there can be blocks that are old and younger than the warm-up, the last round
 * that belongs to it included. */
static uint32_t first_of_age(const struct round_growth *growth)
{
	return warm_up_of(growth) + old_age_of(growth);
}

static uint32_t rounds_of_age(const struct round_growth *growth)
{
	return growth->rounds + 1 - first_of_age(growth);
}

static bool looks_at_age(const struct round_growth *growth)
{
	return rounds_of_age(growth) >= STRETCHES * STRETCH_LEAST;
}

struct round_growth *round_growth_start(uint32_t rounds)
{
	struct round_growth *growth = region_map(sizeof(*growth), REGION_KEPT_ON_FORK);

	if (growth == NULL)
		return NULL;
	growth->rounds = rounds;
	growth->began = region_map((rounds + 1) * sizeof(*growth->began), REGION_KEPT_ON_FORK);
	if (growth->began != NULL)
		return growth;
	round_growth_release(growth);
	return NULL;
}

void round_growth_release(struct round_growth *growth)
{
	if (growth->sites != NULL)
		region_unmap(growth->sites, growth->room * sizeof(*growth->sites));
	if (growth->began != NULL)
		region_unmap(growth->began, (growth->rounds + 1) * sizeof(*growth->began));
	region_unmap(growth, sizeof(*growth));
}

static void add(uint64_t addr, const struct live_block *block, void *context)
{
	struct round_growth *growth = context;
	struct round_site *site;

	(void)addr;
	if (block->stack >= growth->stack_count)
		return;
	site = &growth->sites[block->stack];
	site->bytes += block->bytes;
	site->blocks++;
	site->old_blocks += block->epoch < growth->old_before;
}

/* In which the round lies that has just ended. */
static uint32_t stretch_of(const struct round_growth *growth)
{
	uint32_t number = growth->done - first_of_age(growth);

	/* The last one that begins at or before it. */
	for (uint32_t stretch = STRETCHES - 1; stretch > 0; stretch--)
		if (rounds_of_age(growth) * stretch / STRETCHES <= number)
			return stretch;
	return 0;
}

static void note_old(const struct round_growth *growth, struct round_site *site)
{
	uint32_t stretch = stretch_of(growth);
	uint32_t first = rounds_of_age(growth) * stretch / STRETCHES + first_of_age(growth);

	if (growth->done == first || site->old_blocks < site->least_old[stretch])
		site->least_old[stretch] = site->old_blocks;
}

/* For all stacks there are now. Those that were not there after the warm-up have not grown in every round. */
static bool make_room(struct round_growth *growth)
{
	uint32_t count = call_tree_count(), room = count + count / ROOM_SHARE;
	struct round_site *larger;

	if (count > growth->room) {
		larger = region_map(room * sizeof(*larger), REGION_KEPT_ON_FORK);
		if (larger == NULL)
			return false;
		if (growth->sites != NULL) {
			memcpy(larger, growth->sites, growth->stack_count * sizeof(*growth->sites));
			region_unmap(growth->sites, growth->room * sizeof(*growth->sites));
		}
		growth->sites = larger;
		growth->room = room;
	}
	for (uint32_t stack = growth->stack_count; stack < count; stack++)
		growth->sites[stack].has_stood = true;
	growth->stack_count = count;
	return true;
}

/* What a round has come to; runs where walks over the live table do. */
static void look(void *context)
{
	struct round_growth *growth = context;
	bool has_age = looks_at_age(growth) && growth->done >= first_of_age(growth);

	growth->has_room = make_room(growth);
	if (!growth->has_room)
		return;
	growth->old_before = has_age ? growth->began[growth->done - old_age_of(growth)] : 0;
	for (uint32_t stack = 0; stack < growth->stack_count; stack++) {
		struct round_site *site = &growth->sites[stack];

		site->bytes_before = site->bytes;
		site->bytes = site->blocks = 0;
		site->old_blocks = 0;
	}
	live_table_walk(add, growth);
	map_table_walk(add, growth, false);
	for (uint32_t stack = 0; has_age && stack < growth->stack_count; stack++)
		note_old(growth, &growth->sites[stack]);
}

static void end_warm_up(struct round_growth *growth)
{
	for (uint32_t stack = 0; stack < growth->stack_count; stack++) {
		struct round_site *site = &growth->sites[stack];

		site->first_bytes = site->bytes;
		site->first_blocks = site->blocks;
		site->has_stood = site->bytes == 0;
	}
}

static void compare(struct round_growth *growth)
{
	for (uint32_t stack = 0; stack < growth->stack_count; stack++)
		growth->sites[stack].has_stood |=
			growth->sites[stack].bytes <= growth->sites[stack].bytes_before;
}

static int end_round(struct round_growth *growth, round_growth_runner *run)
{
	int result;

	if (growth->done >= growth->rounds)
		return -EINVAL;
	growth->done++;
	growth->began[growth->done] = atomic_fetch_add(&epoch_current, 1) + 1;
	if (growth->began[growth->done] >= LIVE_BLOCK_EPOCH_MAX)
		return -EOVERFLOW;
	if (growth->done < warm_up_of(growth))
		return 0;
	result = run(look, growth);
	if (result != 0)
		return result;
	if (!growth->has_room)
		return -ENOMEM;
	if (growth->done == warm_up_of(growth))
		end_warm_up(growth);
	else
		compare(growth);
	return 0;
}

int round_growth_end_round(struct round_growth *growth, round_growth_runner *run)
{
	if (growth->error == 0)
		growth->error = end_round(growth, run);
	return growth->error;
}

int round_growth_error(const struct round_growth *growth)
{
	return growth->error;
}

/* Whether ever more blocks grow old, and not slower towards the end. */
static bool ages(const struct round_growth *growth, const struct round_site *site)
{
	const uint32_t *least = site->least_old;
	uint64_t rise = (uint64_t)least[STRETCHES - 1] - least[0];

	if (!looks_at_age(growth))
		return false;
	for (uint32_t i = 1; i < STRETCHES; i++) {
		bool is_late = i >= STRETCHES - STRETCHES_LATE;

		if (least[i] <= least[i - 1] ||
		    (is_late &&
		     (uint64_t)(least[i] - least[i - 1]) * STEP_SHARE * (STRETCHES - 1) < rise))
			return false;
	}
	return true;
}

static uint64_t difference(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void round_growth_visit(const struct round_growth *growth, round_growth_visitor *visit,
			void *context)
{
	if (growth->done < growth->rounds)
		return;
	for (uint32_t stack = 1; stack < growth->stack_count; stack++) {
		const struct round_site *site = &growth->sites[stack];

		if (!site->has_stood || ages(growth, site))
			visit(stack, difference(site->blocks, site->first_blocks),
			      difference(site->bytes, site->first_bytes), context);
	}
}
