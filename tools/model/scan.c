/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: which live blocks the program can still get at, by site.
 */
#include "tools/model/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"

int scan_read(struct scan **scan, struct payload payload, double time_s, struct arena *arena)
{
	uint32_t last_stack = 0;
	struct seep_scan raw;
	if (!payload_scan(&payload, &raw))
		return -EBADMSG;
	/* What has not been done says nothing of any site. */
	if (raw.outcome != SEEP_SCAN_DONE)
		raw.site_count = 0;
	struct scan *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->raw = raw;
	made->time_s = time_s;
	made->sites = arena_take(arena, raw.site_count, sizeof(*made->sites));
	if (!made->sites)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw.site_count; i++) {
		struct decoded_scanned_site site;
		if (!payload_scanned_site(&payload, &raw, &last_stack, &site))
			return -EBADMSG;
		made->sites[made->site_count++] = (struct scanned_site){
			.stack = site.stack,
			.definitely = site.definitely,
			.indirectly = site.indirectly,
			.possibly = site.possibly,
			.reachable = site.reachable,
			.below = site.below,
			.head = site.head,
		};
	}
	*scan = made;
	return 0;
}

static int compare_stacks(const void *left, const void *right)
{
	uint32_t a = ((const struct scanned_site *)left)->stack,
		 b = ((const struct scanned_site *)right)->stack;
	return (a > b) - (a < b);
}

/* No honest file comes near the end of what a number can be. */
static uint64_t sum_of(uint64_t one, uint64_t other)
{
	uint64_t sum;
	return __builtin_add_overflow(one, other, &sum) ? UINT64_MAX : sum;
}

static void add(struct block_sum *to, const struct block_sum *from)
{
	to->blocks = sum_of(to->blocks, from->blocks);
	to->bytes = sum_of(to->bytes, from->bytes);
}

int scan_link(struct scan *scan, const struct node_table *nodes)
{
	size_t known = 0, kept = 0;
	if (!scan || !scan->site_count)
		return 0;
	struct scanned_site *sites = scan->sites;
	for (size_t i = 0; i < scan->site_count; i++) {
		uint32_t stack = node_table_first_id(nodes, sites[i].stack);
		if (!stack)
			continue;
		sites[known] = sites[i];
		sites[known].head = node_table_first_id(nodes, sites[i].head);
		sites[known++].stack = stack;
	}
	int result = known < scan->site_count ? -EBADMSG : 0;
	qsort(sites, known, sizeof(*sites), compare_stacks);
	for (size_t i = 0; i < known; i++) {
		if (!kept || sites[kept - 1].stack != sites[i].stack) {
			sites[kept++] = sites[i];
			continue;
		}
		struct scanned_site *site = &sites[kept - 1];
		add(&site->definitely, &sites[i].definitely);
		add(&site->indirectly, &sites[i].indirectly);
		add(&site->possibly, &sites[i].possibly);
		add(&site->reachable, &sites[i].reachable);
		add(&site->below, &sites[i].below);
		site->head = site->head ? site->head : sites[i].head;
	}
	scan->site_count = kept;
	return result;
}

const struct scanned_site *scan_site(const struct scan *scan, uint32_t stack)
{
	const struct scanned_site key = {.stack = stack};
	return scan->site_count
		       ? bsearch(&key, scan->sites, scan->site_count, sizeof(key), compare_stacks)
		       : NULL;
}
