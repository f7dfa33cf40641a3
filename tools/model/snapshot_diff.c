/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_diff: what grew between two snapshots of one run.
 *
 * Stacks have the same ids in both. Between two equal marks all that grew stays.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/report_builder.h"
#include "tools/model/site_diff.h"
#include "tools/model/site_judgements.h"

/* The span of snapshots of the newer profile that the two sides enclose. */
struct span {
	size_t first, last;
};

static struct span span_between(struct diff_side old, struct diff_side new)
{
	if (old.profile == new.profile)
		return old.index < new.index ? (struct span){old.index, new.index}
					     : (struct span){new.index, old.index};
	/* An earlier copy of the file; thinning may have dropped its snapshot from the newer one. */
	struct span span = {0, new.index};
	uint32_t epoch = old.profile->snapshots[old.index].epoch;
	while (span.first < span.last && new.profile->snapshots[span.first + 1].epoch <= epoch)
		span.first++;
	return span;
}

/* Has somebody said that the program is in the same state? Then nothing that differs is traffic. */
static bool are_equal_marks(struct diff_side old, struct diff_side new)
{
	const struct snapshot *a = &old.profile->snapshots[old.index];
	const struct snapshot *b = &new.profile->snapshots[new.index];
	return a->reason == SEEP_REASON_MARK && b->reason == SEEP_REASON_MARK &&
	       strcmp(a->label, b->label) == 0;
}

static bool compare_states(struct report *report, struct diff_side old, struct diff_side new,
			   struct span span, const struct judgement *judgements)
{
	const struct profile *profile = new.profile;
	bool is_forward = old.profile != new.profile || old.index <= new.index;
	bool is_same_state = are_equal_marks(old, new);
	size_t at = 0;

	/* Sites of both lie in rising order of stack, and the newer snapshot knows all older ones
	 * unless the newer file is the damaged one. */
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		while (at < old.profile->site_count && old.profile->sites[at].stack < site->stack)
			at++;
		const struct site_point *before = NULL;
		if (at < old.profile->site_count && old.profile->sites[at].stack == site->stack)
			before = site_at(&old.profile->sites[at], old.index);

		struct report_site *made = &report->sites[report->site_count];
		if (!report_describe(report, made, profile, site, new.index))
			return false;
		struct old_state state = {0};
		if (before)
			state = (struct old_state){before->live_bytes, before->live_blocks,
						   before->allocations};
		diff_set_old_state(made, &state);
		if (!made->delta_bytes && !made->delta_blocks)
			continue;
		made->judgement = judgements[i];
		if (is_same_state)
			made->aged_bytes = made->delta_bytes > 0 ? made->delta_bytes : 0;
		else if (is_forward)
			made->aged_bytes = diff_aged_bytes(profile, site, span.first, span.last,
							   false, &made->judgement);
		report->site_count++;
	}
	diff_keep_changed(report);
	return true;
}

int diff_snapshots(struct diff_side old, struct diff_side new, struct report **report,
		   struct error *error)
{
	struct span span = span_between(old, new);
	size_t site_count = new.profile->site_count;
	struct report *made = report_new(new.profile, site_count);
	struct judgement *judgements = calloc(site_count + 1, sizeof(*judgements));
	bool is_fine = made && judgements && report_choose_points(made, span.first, span.last) &&
		       site_judgements_make(new.profile, span.first, span.last, judgements) &&
		       site_judgements_weigh(new.profile, span.first, span.last, judgements) &&
		       compare_states(made, old, new, span, judgements);
	free(judgements);
	if (!is_fine) {
		report_free(made);
		return error_set(error, ENOMEM, "there is not enough memory to compare \"%s\"",
				 new.profile->path);
	}
	made->first_snapshot = span.first;
	made->last_snapshot = span.last;
	made->snapshot_count = span.last - span.first + 1;
	made->span_s = fabs(new.profile->snapshots[new.index].time_s -
			    old.profile->snapshots[old.index].time_s);
	*report = made;
	return 0;
}
