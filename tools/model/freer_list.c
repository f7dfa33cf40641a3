/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freer_list: who frees the blocks of a site, or of several together.
 */
#include "tools/model/freer_list.h"

#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/profile.h"

struct amount {
	uint32_t stack;
	double samples;
};

static int compare_stacks(const void *left, const void *right)
{
	uint32_t a = ((const struct amount *)left)->stack;
	uint32_t b = ((const struct amount *)right)->stack;
	return (a > b) - (a < b);
}

/* The stack last, so that the order does not depend on the sort. */
static int compare_amounts(const void *left, const void *right)
{
	const struct amount *a = left, *b = right;
	if (a->samples != b->samples)
		return a->samples < b->samples ? 1 : -1;
	return compare_stacks(left, right);
}

static size_t gather(struct amount *amounts, const struct profile *profile,
		     const struct site *const *sites, size_t site_count)
{
	size_t count = 0, kept = 0;
	for (size_t i = 0; i < site_count; i++) {
		size_t pair_count;
		const struct free_pair *pairs = site_freers(profile, sites[i], &pair_count);
		for (size_t p = 0; p < pair_count; p++)
			amounts[count++] =
				(struct amount){pairs[p].free_stack, (double)pairs[p].samples};
	}
	qsort(amounts, count, sizeof(*amounts), compare_stacks);
	for (size_t i = 0; i < count; i++) {
		if (kept && amounts[kept - 1].stack == amounts[i].stack)
			amounts[kept - 1].samples += amounts[i].samples;
		else
			amounts[kept++] = amounts[i];
	}
	qsort(amounts, kept, sizeof(*amounts), compare_amounts);
	return kept;
}

bool freer_list_make(struct freer_list *list, const struct profile *profile,
		     const struct site *const *sites, size_t site_count, struct arena *arena)
{
	static struct freer nobody;
	size_t pair_count = 0;
	bool is_known = false;
	*list = (struct freer_list){0};
	for (size_t i = 0; i < site_count; i++) {
		size_t count;
		is_known |= site_freers(profile, sites[i], &count) != NULL;
		pair_count += count;
	}
	if (is_known)
		list->freers = &nobody;
	if (!pair_count)
		return true;

	struct amount *amounts = malloc(pair_count * sizeof(*amounts));
	if (!amounts)
		return false;
	size_t count = gather(amounts, profile, sites, site_count);
	for (size_t i = 0; i < count; i++)
		list->samples += amounts[i].samples;
	list->count = count < FREER_LIST_MAX ? count : FREER_LIST_MAX;
	list->freers = arena_take(arena, list->count, sizeof(*list->freers));
	for (size_t i = 0; list->freers && i < list->count; i++)
		list->freers[i] = (struct freer){
			.stack = amounts[i].stack,
			.share = list->samples > 0 ? amounts[i].samples / list->samples : 0,
		};
	free(amounts);
	return list->freers;
}
