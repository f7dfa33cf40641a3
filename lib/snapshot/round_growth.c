/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round_growth: which sites grow in every one of some rounds of the same work.
 *
 * One figure for each site, compared round by round: more bytes than after the round before, each time. That a
 * sum has risen says nothing: what is set up once, late, or doubles now and then, makes it rise too.
 *
 *   Runs in   the thread of the program that runs the rounds
 *   Locks     LOCK_SNAPSHOT during a look
 *   Memory    region: 40 bytes for each node of the call tree
 *   Calls     what live_table_walk calls
 *   Failure   a negative errno value
 */
#include "lib/snapshot/round_growth.h"

#include <errno.h>
#include <stdbool.h>

#include "lib/base/region.h"
#include "lib/record/call_tree.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

struct round_site {
	uint64_t bytes, bytes_before,
		first_bytes;		     /* now, after the round before, and the warm-up */
	uint64_t blocks : 63, has_stood : 1; /* now; it has not grown in one round */
	uint64_t first_blocks;
};

struct round_growth {
	uint32_t rounds, done;
	uint32_t stack_count; /* of those in `sites`; 0: the warm-up is not over */
	struct round_site *sites;
};

static uint32_t warm_up_of(const struct round_growth *growth)
{
	return growth->rounds / 4 > 0 ? growth->rounds / 4 : 1;
}

uint32_t round_growth_judged(const struct round_growth *growth)
{
	return growth->rounds - warm_up_of(growth);
}

struct round_growth *round_growth_start(uint32_t rounds)
{
	struct round_growth *growth = region_map(sizeof(*growth), REGION_KEPT_ON_FORK);

	if (growth != NULL)
		growth->rounds = rounds;
	return growth;
}

void round_growth_release(struct round_growth *growth)
{
	if (growth->sites != NULL)
		region_unmap(growth->sites, growth->stack_count * sizeof(*growth->sites));
	region_unmap(growth, sizeof(*growth));
}

static void add(uint64_t addr, const struct live_block *block, void *context)
{
	struct round_growth *growth = context;

	(void)addr;
	if (block->stack >= growth->stack_count)
		return;
	growth->sites[block->stack].bytes += block->bytes;
	growth->sites[block->stack].blocks++;
}

static int look(struct round_growth *growth)
{
	if (!snapshot_writer_hold())
		return -EBUSY;
	for (uint32_t stack = 0; stack < growth->stack_count; stack++) {
		growth->sites[stack].bytes_before = growth->sites[stack].bytes;
		growth->sites[stack].bytes = 0;
		growth->sites[stack].blocks = 0;
	}
	live_table_walk(add, growth);
	map_table_walk(add, growth, false);
	snapshot_writer_let_go();
	return 0;
}

static int end_warm_up(struct round_growth *growth)
{
	uint32_t stack_count = call_tree_count();
	int result;

	growth->sites = region_map(stack_count * sizeof(*growth->sites), REGION_KEPT_ON_FORK);
	if (growth->sites == NULL)
		return -ENOMEM;
	growth->stack_count = stack_count;
	result = look(growth);
	for (uint32_t stack = 0; stack < stack_count; stack++) {
		struct round_site *site = &growth->sites[stack];

		site->first_bytes = site->bytes;
		site->first_blocks = site->blocks;
		site->has_stood = site->bytes == 0;
	}
	return result;
}

int round_growth_end_round(struct round_growth *growth)
{
	uint32_t warm_up = warm_up_of(growth);
	int result;

	if (++growth->done < warm_up)
		return 0;
	if (growth->done == warm_up)
		return end_warm_up(growth);
	if (growth->sites == NULL)
		return -ENOMEM;
	result = look(growth);
	for (uint32_t stack = 0; stack < growth->stack_count; stack++)
		growth->sites[stack].has_stood |=
			growth->sites[stack].bytes <= growth->sites[stack].bytes_before;
	return result;
}

void round_growth_visit(const struct round_growth *growth, round_growth_visitor *visit,
			void *context)
{
	for (uint32_t stack = 1; stack < growth->stack_count; stack++) {
		const struct round_site *site = &growth->sites[stack];

		if (!site->has_stood)
			visit(stack,
			      site->blocks > site->first_blocks ? site->blocks - site->first_blocks
								: 0,
			      site->bytes - site->first_bytes, context);
	}
}
