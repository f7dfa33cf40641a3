/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common_frames: the functions that all sites of a finding have in common.
 *
 * A finding of a caller begins at a node of the call tree, and the tree parts where program counters
 * do: two calls of malloc in one function, or of one function in two lines, are two ways on. For a
 * reader they are the same function still, and the innermost one that all sites share is the one to
 * look at.
 */
#include <string.h>

#include "tools/model/report.h"

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The frame of `site` that lies `steps` further in than the innermost one of the finding's. */
static const struct frame *frame_inside(const struct report_finding *finding,
					const struct report_site *site, size_t steps)
{
	size_t inside = site->frame_count - finding->sum.frame_count;
	return steps < inside ? &site->frames[inside - 1 - steps] : NULL;
}

/* Do all sites go on with a call of the same function of the program? `differs_in_line` is set when
 * it is not from the same place. */
static bool goes_on_alike(const struct report_finding *finding, size_t steps, bool *differs_in_line)
{
	const struct frame *first = frame_inside(finding, finding->sites[0], steps);
	*differs_in_line = false;
	if (!first || !first->function || first->is_pseudo || first->is_wrapper)
		return false;
	for (size_t i = 1; i < finding->site_count; i++) {
		const struct frame *other = frame_inside(finding, finding->sites[i], steps);
		if (!other || !is_same_text(other->function, first->function) ||
		    !is_same_text(other->module, first->module))
			return false;
		*differs_in_line |= other->line != first->line;
	}
	return true;
}

bool report_finding_narrow(struct report *report, struct report_finding *finding)
{
	struct report_site *sum = &finding->sum;
	size_t common = 0;
	bool differs_in_line;

	/* What is left out may go another way. */
	bool is_caller = finding->kind == FINDING_CALLER || finding->kind == FINDING_TOGETHER;
	if (!is_caller || finding->site_count != finding->all_count || !sum->frames)
		return true;
	for (size_t i = 0; i < finding->site_count; i++)
		if (!finding->sites[i]->frames || finding->sites[i]->frame_count < sum->frame_count)
			return true;
	while (goes_on_alike(finding, common, &differs_in_line))
		common++;
	if (!common)
		return true;
	struct frame *frames = report_frames(report, sum->frame_count + common);
	if (!frames)
		return false;
	memcpy(frames + common, sum->frames, sum->frame_count * sizeof(*frames));
	for (size_t steps = 0; steps < common; steps++) {
		struct frame *made = &frames[common - 1 - steps];
		goes_on_alike(finding, steps, &differs_in_line);
		*made = *frame_inside(finding, finding->sites[0], steps);
		if (differs_in_line)
			made->line = 0;
	}
	sum->frames = frames;
	sum->frame_count += common;
	return true;
}
