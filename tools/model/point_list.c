/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point_list: decodes the entries of snapshots and sorts them by site.
 *
 * An entry takes at least six bytes of the file and a cohort three, and both become one struct of
 * fixed size here, so memory stays proportional to the file.
 */
#include "tools/model/point_list.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/double_sites.h"
#include "tools/model/node_table.h"
#include "tools/model/payload_decoder.h"
#include "tools/model/profile_memory.h"

int point_list_start(struct point_list *list, size_t id_count)
{
	*list = (struct point_list){.last_count = id_count};
	list->last = calloc(id_count ? id_count : 1, sizeof(*list->last));
	return list->last ? 0 : -ENOMEM;
}

/* Decodes the cohorts behind an entry. Returns as point_list_add_snapshot; after -EBADMSG the
 * payload stands behind them and they are not kept. */
static int add_cohorts(struct point_list *list, struct payload *entries,
		       const struct decoded_entry *entry, uint32_t snapshot_epoch)
{
	const size_t start = list->cohort_count;
	if (entry->cohort_count > UINT32_MAX ||
	    !array_reserve((void **)&list->cohorts, &list->cohort_capacity,
			   start + entry->cohort_count, sizeof(*list->cohorts)))
		return -ENOMEM;

	uint64_t blocks = 0, bytes = 0;
	bool is_sane = true;
	uint32_t last_epoch = 0;
	for (uint64_t i = 0; i < entry->cohort_count; i++) {
		struct decoded_cohort cohort;
		if (!payload_cohort(entries, &last_epoch, i == 0, &cohort))
			return -EILSEQ;
		if (__builtin_add_overflow(blocks, cohort.blocks, &blocks) ||
		    __builtin_add_overflow(bytes, cohort.bytes, &bytes))
			is_sane = false;
		list->cohorts[start + i] =
			(struct cohort){cohort.epoch, cohort.blocks, cohort.bytes};
	}
	/* While a fuzzy snapshot is taken, blocks are already born in the next epoch. */
	if (last_epoch > (uint64_t)snapshot_epoch + 1)
		is_sane = false;
	if (blocks != entry->live_blocks || bytes != entry->live_bytes)
		is_sane = false;
	if (!is_sane)
		return -EBADMSG;
	list->cohort_count = start + entry->cohort_count;
	return 0;
}

static int add_point(struct point_list *list, struct raw_point point)
{
	if (!array_reserve((void **)&list->points, &list->capacity, list->count + 1,
			   sizeof(*list->points)))
		return -ENOMEM;
	if (point.live_blocks || point.live_bytes) {
		if (!array_reserve((void **)&list->live, &list->live_capacity, list->live_count + 1,
				   sizeof(*list->live)))
			return -ENOMEM;
		list->live[list->live_count++] = point.stack;
	}
	list->points[list->count++] = point;
	return 0;
}

/* A keyframe names every site: those that it does not name have no live block any more. */
static int empty_unnamed(struct point_list *list, size_t live_before, uint32_t snapshot)
{
	for (size_t i = 0; i < live_before; i++) {
		uint32_t stack = list->live[i];
		struct raw_point point = list->points[list->last[stack] - 1];
		if (point.snapshot == snapshot)
			continue;
		point.snapshot = snapshot;
		point.cohort_count = 0;
		point.live_blocks = point.live_bytes = 0;
		if (add_point(list, point) < 0)
			return -ENOMEM;
		list->last[stack] = list->count;
	}
	for (size_t i = live_before; i < list->live_count; i++)
		list->live[i - live_before] = list->live[i];
	list->live_count -= live_before;
	return 0;
}

int point_list_add_snapshot(struct point_list *list, const struct node_table *nodes,
			    struct payload entries, const struct seep_snapshot *fixed,
			    uint32_t snapshot)
{
	const size_t count_before = list->count, live_before = list->live_count;
	const size_t cohorts_before = list->cohort_count;
	int result = 0;
	uint32_t last_stack = 0;

	for (uint32_t i = 0; i < fixed->entry_count; i++) {
		struct decoded_entry entry;
		if (!payload_entry(&entries, &last_stack, &entry)) {
			result = -EILSEQ;
			break;
		}
		size_t first_cohort = list->cohort_count;
		int added = add_cohorts(list, &entries, &entry, fixed->epoch);
		if (added == -EBADMSG || (!added && !node_table_first_id(nodes, entry.stack))) {
			list->cohort_count = first_cohort;
			result = -EBADMSG;
			continue;
		}
		struct raw_point point = {
			.stack = entry.stack,
			.snapshot = snapshot,
			.cohort_count = (uint32_t)entry.cohort_count,
			.first_cohort = first_cohort,
			.live_blocks = entry.live_blocks,
			.live_bytes = entry.live_bytes,
			.allocations = entry.allocations,
			.allocated_bytes = entry.allocated_bytes,
		};
		if (!added)
			added = add_point(list, point);
		if (added) {
			result = added;
			break;
		}
	}
	if (result && result != -EBADMSG) {
		list->count = count_before;
		list->live_count = live_before;
		list->cohort_count = cohorts_before;
		return result;
	}

	for (size_t i = count_before; i < list->count; i++)
		list->last[list->points[i].stack] = i + 1;
	if (fixed->flags & SEEP_SNAPSHOT_IS_KEYFRAME && empty_unnamed(list, live_before, snapshot))
		return -ENOMEM;
	return result;
}

/* A counting sort, which keeps the order of time within a site. `starts` has one more item than
 * there are ids; afterwards the site of id i has the points from starts[i] up to starts[i + 1]. */
static void sort_by_site(const struct point_list *list, const struct node_table *nodes,
			 size_t *starts, size_t *order)
{
	for (size_t i = 0; i < list->count; i++)
		starts[node_table_first_id(nodes, list->points[i].stack) + 1]++;
	for (size_t id = 0; id < list->last_count; id++)
		starts[id + 1] += starts[id];
	for (size_t i = 0; i < list->count; i++)
		order[starts[node_table_first_id(nodes, list->points[i].stack)]++] = i;
	/* Filling moved every start to the next one's place. */
	for (size_t id = list->last_count; id > 0; id--)
		starts[id] = starts[id - 1];
	starts[0] = 0;
}

int point_list_make_sites(struct point_list *list, const struct node_table *nodes,
			  struct profile *profile)
{
	struct profile_memory *memory = profile->memory;
	int result = -ENOMEM;
	size_t *starts = calloc(list->last_count + 1, sizeof(*starts));
	size_t *order = malloc((list->count + 1) * sizeof(*order));
	memory->points = malloc((list->count + 1) * sizeof(*memory->points));
	if (!starts || !order || !memory->points)
		goto out;
	memory->cohorts = list->cohorts;
	list->cohorts = NULL;
	sort_by_site(list, nodes, starts, order);

	size_t site_count = 0;
	for (size_t id = 1; id < list->last_count; id++)
		site_count += starts[id] < starts[id + 1];
	profile->sites = arena_take(memory->arena, site_count, sizeof(*profile->sites));
	if (!profile->sites)
		goto out;

	struct double_sites doubles;
	double_sites_start(&doubles, memory, list->cohort_count);
	for (size_t id = 1; id < list->last_count; id++) {
		size_t start = starts[id], count = starts[id + 1] - start;
		if (!count)
			continue;
		struct site *site = &profile->sites[profile->site_count++];
		site->stack = (uint32_t)id;
		bool is_doubled = false;
		for (size_t i = 0; i < count; i++) {
			const struct raw_point *raw = &list->points[order[start + i]];
			is_doubled |= raw->stack != list->points[order[start]].stack;
			memory->points[start + i] = (struct site_point){
				.snapshot = raw->snapshot,
				.cohort_count = raw->cohort_count,
				.cohorts = memory->cohorts ? memory->cohorts + raw->first_cohort
							   : NULL,
				.live_blocks = raw->live_blocks,
				.live_bytes = raw->live_bytes,
				.allocations = raw->allocations,
				.allocated_bytes = raw->allocated_bytes,
			};
		}
		site->points = memory->points + start;
		site->point_count = (uint32_t)count;
		if (is_doubled && double_sites_merge(&doubles, list->points, order + start,
						     memory->points + start, site) < 0)
			goto out;
	}
	result = 0;
out:
	free(starts);
	free(order);
	return result;
}

void point_list_free(struct point_list *list)
{
	free(list->points);
	free(list->cohorts);
	free(list->last);
	free(list->live);
	*list = (struct point_list){0};
}
