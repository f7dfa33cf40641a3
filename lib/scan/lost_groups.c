/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_groups: how the blocks hang together that nothing reaches any more.
 *
 * What is wanted is a block of each strongly connected component of the lost blocks that no other component
 * leads to. Two times every lost block is read, without recursion:
 *
 * First, in the order of addresses, each block that is in no group yet becomes the leader of a group, to
 * which everything belongs that it leads to and that is in no group yet. So no leader can be reached from
 * an earlier one; whatever reaches the last leader is in its own group, and hence is also reached by it.
 *
 * Then the leaders once more, the last one first. One that nothing has reached that was looked at before is a
 * head: what reaches it is in its own component, for earlier leaders cannot, and later ones did not.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    what the queue of the flood takes
 *   Calls     what flood calls
 *   Failure   false: there was no memory for the queue
 */
#include "lib/scan/lost_groups.h"

#include <stddef.h>

#include "lib/base/poison.h"

/* Rules that change some marks to another one, and leave the others. */
#define UNCHANGED                                                                                  \
	{                                                                                          \
		MARK_NONE, MARK_SEEN, MARK_REACHED, MARK_POSSIBLE, MARK_LEADER, MARK_HEAD,         \
			MARK_INDIRECT, MARK_COUNTED                                                \
	}
static const struct flood_rule unchanged = {.by_start = UNCHANGED, .by_interior = UNCHANGED};

static struct flood_rule rule_to(enum block_mark to, uint32_t from_marks)
{
	struct flood_rule rule = unchanged;

	for (uint32_t mark = 0; mark < MARK_LIMIT; mark++)
		if ((from_marks >> mark & 1) != 0)
			rule.by_start[mark] = rule.by_interior[mark] = (uint8_t)to;
	rule.spreads = 1u << to;
	return rule;
}

struct walk {
	struct flood *flood;
	enum block_mark mark; /* of the blocks from which it goes on */
	bool is_failed;
	lost_groups_visitor *count;
	void *context;
	block_ref head;
};

static void flood_on(block_ref ref, void *context)
{
	struct walk *walk = context;

	if (!walk->is_failed && !flood_from_block(walk->flood, ref, walk->mark))
		walk->is_failed = true;
}

bool lost_groups_find(struct flood *flood)
{
	const struct flood_rule grouped = rule_to(MARK_SEEN, 1u << MARK_NONE);
	const struct flood_rule indirect =
		rule_to(MARK_INDIRECT, 1u << MARK_SEEN | 1u << MARK_LEADER);
	struct walk walk = {.flood = flood, .mark = MARK_LEADER};

	flood->rule = &grouped;
	block_index_walk(flood->index, 1u << MARK_NONE, false, flood_on, &walk);
	walk.mark = MARK_HEAD;
	flood->rule = &indirect;
	block_index_walk(flood->index, 1u << MARK_LEADER, true, flood_on, &walk);
	flood->rule = NULL;
	return !walk.is_failed;
}

static void count_one(block_ref ref, void *context)
{
	struct walk *walk = context;

	walk->count(walk->head, ref, walk->context);
}

static void count_under(block_ref head, void *context)
{
	struct walk *walk = context;

	walk->head = head;
	flood_on(head, walk);
}

bool lost_groups_count(struct flood *flood, lost_groups_visitor *count, void *context)
{
	const struct flood_rule counted = rule_to(MARK_COUNTED, 1u << MARK_INDIRECT);
	struct walk walk = {.flood = flood, .mark = MARK_HEAD, .count = count, .context = context};

	flood->rule = &counted;
	flood->note = count_one;
	flood->note_context = &walk;
	block_index_walk(flood->index, 1u << MARK_HEAD, false, count_under, &walk);
	flood->rule = NULL;
	flood->note = NULL;
	return !walk.is_failed;
}
