/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_profile: a hostile snapshot file, read; what is asked of a profile afterwards holds.
 */
#include <string.h>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

static void demand_nodes(const struct profile *profile)
{
	for (size_t i = 1; i < profile->node_count; i++) {
		const struct stack_node *node = &profile->nodes[i];

		DEMAND(node->parent < i, "node %zu hangs under %u", i, node->parent);
		DEMAND(node->module == PROFILE_NO_MODULE || node->module < profile->module_count,
		       "node %zu lies in module %u", i, node->module);
	}
}

static void demand_points(const struct profile *profile, const struct site *site)
{
	DEMAND(site->stack < profile->node_count, "stack %u", site->stack);
	for (size_t i = 0; i < site->point_count; i++) {
		const struct site_point *point = &site->points[i];

		DEMAND(point->snapshot < profile->snapshot_count, "snapshot %u", point->snapshot);
		DEMAND(i == 0 || point->snapshot > site->points[i - 1].snapshot,
		       "points stand still");
		for (size_t c = 1; c < point->cohort_count; c++)
			DEMAND(point->cohorts[c].epoch > point->cohorts[c - 1].epoch,
			       "cohorts stand still");
	}
}

static void demand_site(const struct profile *profile, const struct site *site)
{
	size_t last = profile->snapshot_count, count = 0;

	demand_points(profile, site);
	if (last == 0)
		return;
	site_at(site, last - 1);
	site_is_mapping(profile, site);
	site_sampled(profile, site, last - 1);
	const struct free_pair *pairs = site_freers(profile, site, &count);
	for (size_t i = 0; pairs && i < count; i++)
		DEMAND(pairs[i].free_stack < profile->node_count, "freed by %u",
		       pairs[i].free_stack);
	site_scanned(profile, site, last - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile *profile = NULL;
	struct error error = {""};
	int result = profile_read(hostile_file(data, size), &profile, &error);

	if (result < 0) {
		DEMAND(*error.text && !strchr(error.text, '\n'), "refused without a sentence");
		return 0;
	}
	demand_nodes(profile);
	for (size_t i = 1; i < profile->site_count; i++)
		DEMAND(profile->sites[i].stack > profile->sites[i - 1].stack, "sites stand still");
	for (size_t i = 0; i < profile->site_count; i++)
		demand_site(profile, &profile->sites[i]);
	for (size_t i = 1; i < profile->snapshot_count; i++)
		DEMAND(profile->snapshots[i].time_s >= profile->snapshots[i - 1].time_s,
		       "time goes back");
	profile_free(profile);
	return 0;
}
