/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_links: which ways to the blocks of a site lead through another one that is flagged or grows.
 */
#include "tools/model/holder_links.h"

#include <stdlib.h>

#include "tools/model/report.h"

struct growing_sites {
	const struct report_site **sites; /* flagged or growing, in rising order of stack */
	size_t count;
};

static int compare_site_stacks(const void *left, const void *right)
{
	const struct report_site *a = *(const struct report_site *const *)left;
	const struct report_site *b = *(const struct report_site *const *)right;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

static const struct report_site *find_growing(const struct growing_sites *growing, uint32_t stack)
{
	struct report_site key_site = {.stack = stack}, *key = &key_site;
	const struct report_site **found =
		growing->count ? bsearch(&key, growing->sites, growing->count,
					 sizeof(*growing->sites), compare_site_stacks)
			       : NULL;
	return found ? *found : NULL;
}

static void link_shapes(struct holder_shapes *shapes, const struct growing_sites *growing,
			const struct report_finding *finding)
{
	for (size_t i = 0; i < shapes->count; i++) {
		struct holder_shape *shape = &shapes->shapes[i];
		for (size_t s = 0; s < shape->step_count && !shape->through; s++) {
			const struct report_site *site =
				find_growing(growing, shape->steps[s].stack);
			/* Sites that are one leak do not explain each other. */
			if (site && (!finding || report_site_finding(site) != finding))
				shape->through = site;
		}
	}
}

bool holder_links_make(struct report *report)
{
	struct growing_sites growing = {
		.sites = malloc((report->site_count + 1) * sizeof(*growing.sites))};
	if (!growing.sites)
		return false;
	for (size_t i = 0; i < report->site_count; i++) {
		const struct judgement *judgement = &report->sites[i].judgement;
		if (judgement->is_flagged || judgement->verdict == VERDICT_GROWING)
			growing.sites[growing.count++] = &report->sites[i];
	}
	if (growing.count)
		qsort(growing.sites, growing.count, sizeof(*growing.sites), compare_site_stacks);
	for (size_t i = 0; i < report->site_count; i++)
		link_shapes(&report->sites[i].held_by, &growing,
			    report_site_finding(&report->sites[i]));
	for (size_t i = 0; i < report->entry_count; i++) {
		struct report_finding *finding = report->entries[i].finding;
		if (finding)
			link_shapes(&finding->sum.held_by, &growing, finding);
	}
	free(growing.sites);
	return true;
}
