/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_differences: which captures --selfcheck has found to be other than libunwind's.
 */
#include "tools/model/stack_differences.h"

#include <errno.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/profile.h"

int stack_differences_read(struct self_check **self_check, struct payload payload,
			   struct arena *arena)
{
	struct seep_self_check raw;
	if (!payload_self_check(&payload, &raw))
		return -EBADMSG;
	struct self_check *check = arena_take(arena, 1, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->raw = raw;
	check->differences = arena_take(arena, raw.difference_count, sizeof(*check->differences));
	if (!check->differences)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw.difference_count; i++) {
		struct seep_difference difference;
		if (!payload_difference(&payload, &raw, &difference))
			return -EBADMSG;
		check->differences[check->difference_count++] = (struct stack_difference){
			.ours = difference.ours,
			.libunwinds = difference.libunwind,
			.thread_id = difference.thread_id,
			.count = difference.count,
		};
	}
	*self_check = check;
	return 0;
}

int stack_differences_link(struct self_check *check, const struct node_table *nodes)
{
	size_t kept = 0;
	for (size_t i = 0; check && i < check->difference_count; i++) {
		struct stack_difference *difference = &check->differences[i];
		difference->ours = node_table_first_id(nodes, difference->ours);
		difference->libunwinds = node_table_first_id(nodes, difference->libunwinds);
		if (difference->ours && difference->libunwinds)
			check->differences[kept++] = *difference;
	}
	int result = check && kept < check->difference_count ? -EBADMSG : 0;
	if (check)
		check->difference_count = kept;
	return result;
}
