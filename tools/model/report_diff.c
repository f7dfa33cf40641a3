/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_diff: a report of what grew between two snapshots: of one run, or of two, perhaps of an older
 * and a newer build.
 */
#include <errno.h>
#include <stddef.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/site_diff.h"

static bool is_same_run(const struct profile *a, const struct profile *b)
{
	return a == b || (a->pid == b->pid && a->start_ticks == b->start_ticks &&
			  a->started_unix_ns == b->started_unix_ns && a->start_ticks);
}

int diff_build(const struct profile *old, size_t old_index, const struct profile *profile,
	       size_t new_index, report_resolver resolve, void *context, struct report **report,
	       struct error *error)
{
	*report = NULL;
	if (old_index >= old->snapshot_count || new_index >= profile->snapshot_count) {
		const struct profile *empty = old_index >= old->snapshot_count ? old : profile;
		return error_set(error, ENOENT,
				 "\"%s\" holds no such snapshot to compare with; `seep snapshots` "
				 "lists those that it has",
				 empty->path);
	}
	const struct diff_side older = {old, old_index}, newer = {profile, new_index};
	bool is_one_run = is_same_run(old, profile);
	int result = is_one_run ? diff_snapshots(older, newer, report, error)
				: diff_runs(older, newer, resolve, context, report, error);
	if (result)
		return result;
	(*report)->old = old;
	(*report)->old_snapshot = old_index;
	(*report)->scan = profile_scan(profile, new_index);
	/* Where sites of two runs are matched, several may be one. */
	if (is_one_run && !report_find_holders(*report, profile, new_index))
		result = error_set(error, ENOMEM, "there is not enough memory for the diff");
	/* Of one run, only what changed needs symbols. */
	if (result == 0 && is_one_run && resolve)
		result = resolve(*report, context, error);
	if (result) {
		report_free(*report);
		*report = NULL;
	}
	return result;
}
