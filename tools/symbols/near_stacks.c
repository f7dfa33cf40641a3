/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_stacks: looking up functions is dear, comparing addresses is not. Two calls in one function lie
 * near each other, so only stacks that go through the same modules, frame by frame at most so far apart as
 * a function is long, are looked up.
 */
#include "tools/symbols/near_stacks.h"

#include <stdlib.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/site_twins.h"
#include "tools/symbols/stack_frames.h"

/* Longer functions are generated ones. */
#define NEAR_BYTES (64u << 10)
/* Of so many pairs all are compared, a tenth of a second; with more a site may have another number in
 * a report that shows more. */
#define PAIRS_MAX 20000000u

static bool are_near(const struct profile *profile, uint32_t one, uint32_t other)
{
	while (one && other && one < profile->node_count && other < profile->node_count) {
		const struct stack_node *a = &profile->nodes[one], *b = &profile->nodes[other];
		uint64_t apart = a->pc > b->pc ? a->pc - b->pc : b->pc - a->pc;
		if (one == other)
			return true;
		if (a->module != b->module || apart > NEAR_BYTES || a->parent >= one ||
		    b->parent >= other)
			return false;
		one = a->parent;
		other = b->parent;
	}
	return one == other;
}

static bool note_if_twin(struct stack_frames *frames, const struct profile *profile,
			 const struct site *other, struct site_twins *twins)
{
	struct report_site site = {.profile = profile, .stack = other->stack};

	if (!stack_frames_collect(frames, profile, other->stack, 0))
		return false;
	stack_frames_keep_innermost_wrappers(frames);
	site.frames = frames->frames;
	site.frame_count = frames->count;
	report_site_identify(&site);
	return !site_twins_know(twins, &site) || site_twins_add(twins, &site);
}

static bool is_near_one(const struct report *report, const struct site *other)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].frames &&
		    are_near(report->profile, report->sites[i].stack, other->stack))
			return true;
	return false;
}

bool near_stacks_note(struct stack_frames *frames, const struct report *report,
		      struct site_twins *twins)
{
	const struct profile *profile = report->profile;
	bool *is_noted = calloc(profile->site_count + 1, sizeof(*is_noted));
	bool is_fine = is_noted;
	size_t noted = 0;

	for (size_t i = 0; is_fine && i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		if (!site->frames || site->profile != profile)
			continue;
		is_fine = site_twins_add(twins, site);
		noted++;
		if (site->site)
			is_noted[site->site - profile->sites] = true;
	}
	if (noted && profile->site_count <= PAIRS_MAX / noted)
		for (size_t i = 0; is_fine && i < profile->site_count; i++)
			if (!is_noted[i] && is_near_one(report, &profile->sites[i]))
				is_fine = note_if_twin(frames, profile, &profile->sites[i], twins);
	free(is_noted);
	return is_fine;
}
